//! The compiled character map of a normalizer: a double-array trie from characters to their replacement.
//!
//! ```text
//! u32 little-endian   bytes of the trie
//! u32[]               the trie (darts-clone's units)
//! text                replacements, each ended by a zero byte; leaves of the trie are offsets into it
//! ```
//!
//! Follows sentencepiece's `normalizer.cc` (`Normalizer::NormalizePrefix`) and `third_party/darts_clone`.

/// A parsed map.
#[derive(Clone, Debug)]
pub(super) struct CharsMap {
    units: Vec<u32>,
    replacements: Vec<u8>,
}

impl CharsMap {
    /// Parses the blob; the error says what is wrong with it.
    pub(super) fn parse(blob: &[u8]) -> Result<Self, String> {
        let (size, rest) = blob.split_first_chunk::<4>().ok_or("shorter than its length field")?;
        let size = u32::from_le_bytes(*size) as usize;
        let trie = rest
            .get(..size)
            .ok_or_else(|| format!("truncated: the trie needs {size} bytes, {} are left", rest.len()))?;
        let units = trie.as_chunks::<4>().0.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
        Ok(Self { units, replacements: rest[size..].to_vec() })
    }

    /// `text` with the longest known prefix at every position replaced.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut mapped = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            match self.longest_prefix(rest) {
                Some((length, replacement)) => {
                    mapped.push_str(&String::from_utf8_lossy(replacement));
                    rest = &rest[length..];
                }
                None => {
                    mapped.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        mapped
    }

    /// Length of the longest prefix of `text` in the trie, and its replacement.
    fn longest_prefix(&self, text: &str) -> Option<(usize, &[u8])> {
        let mut node = offset(*self.units.first()?);
        let mut longest = None;
        for (index, byte) in text.bytes().enumerate() {
            node ^= byte as usize;
            let Some(&unit) = self.units.get(node) else { break };
            if unit & 0x8000_00ff != u32::from(byte) {
                break;
            }
            node ^= offset(unit);
            if unit >> 8 & 1 == 1 {
                let Some(&leaf) = self.units.get(node) else { break };
                longest = Some((index + 1, (leaf & 0x7fff_ffff) as usize));
            }
        }
        let (length, start) = longest.filter(|(length, _)| text.is_char_boundary(*length))?;
        let replacement = self.replacements.get(start..)?;
        let end = replacement.iter().position(|&byte| byte == 0).unwrap_or(replacement.len());
        Some((length, &replacement[..end]))
    }
}

/// Where the children of a unit are.
fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize
}
