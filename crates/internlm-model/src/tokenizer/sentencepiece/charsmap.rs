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
    /// ASCII characters that stay if ASCII or nothing follows.
    lone: [bool; 128],
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
        let mut map = Self { units, replacements: rest[size..].to_vec(), lone: [false; 128] };
        map.lone = std::array::from_fn(|first| map.is_lone(first as u8));
        Ok(map)
    }

    fn is_lone(&self, first: u8) -> bool {
        let Some(child) = self.units.first().and_then(|root| self.child(offset(*root), first)) else {
            return true;
        };
        child.1 >> 8 & 1 == 0 && (0..128).all(|next| self.child(child.0, next).is_none())
    }

    /// Where the children of the child by `byte` are, and its unit.
    fn child(&self, node: usize, byte: u8) -> Option<(usize, u32)> {
        let node = node ^ usize::from(byte);
        let unit = *self.units.get(node).filter(|&&unit| unit & 0x8000_00ff == u32::from(byte))?;
        Some((node ^ offset(unit), unit))
    }

    /// `text` with the longest known prefix at every position replaced.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut mapped = String::with_capacity(text.len());
        // Text from `kept` to `at` stays as it is.
        let (mut kept, mut at) = (0, 0);
        let bytes = text.as_bytes();
        while let Some(&first) = bytes.get(at) {
            if self.stays(first, bytes.get(at + 1)) {
                at += 1;
                continue;
            }
            match self.longest_prefix(&text[at..]) {
                Some((length, replacement)) => {
                    mapped.push_str(&text[kept..at]);
                    mapped.push_str(&String::from_utf8_lossy(replacement));
                    at += length;
                    kept = at;
                }
                None => at += text[at..].chars().next().map_or(1, char::len_utf8),
            }
        }
        mapped.push_str(&text[kept..]);
        mapped
    }

    /// Whether a byte is a character that no prefix starting with it replaces, given what follows.
    fn stays(&self, first: u8, next: Option<&u8>) -> bool {
        self.lone.get(usize::from(first)) == Some(&true) && next.is_none_or(u8::is_ascii)
    }

    /// Length of the longest prefix of `text` in the trie, and its replacement.
    fn longest_prefix(&self, text: &str) -> Option<(usize, &[u8])> {
        let mut node = offset(*self.units.first()?);
        let mut longest = None;
        for (index, byte) in text.bytes().enumerate() {
            let Some((children, unit)) = self.child(node, byte) else { break };
            node = children;
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
