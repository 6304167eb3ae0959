//! [`Vocabulary`]: from text to rows of the input matrix, by words, character n-grams and word n-grams.
//!
//! Follows `src/dictionary.cc` of fastText 0.9.2.

use std::collections::HashMap;

use super::format::{Cursor, Header};
use crate::Result;

/// What fastText appends to every line.
const END_OF_LINE: &[u8] = b"</s>";
/// Prefix of words that are labels of training lines.
const LABEL: &str = "__label__";
/// Factor of the hash of word n-grams.
const NGRAM_FACTOR: u64 = 116_049_371;

/// Words and hash buckets with their rows in the input matrix.
pub(super) struct Vocabulary {
    words: HashMap<Box<[u8]>, u32>,
    /// Number of rows before those of the buckets.
    word_count: usize,
    header: Header,
    buckets: Buckets,
}

/// A label and how often it was seen in training.
pub(super) struct Label {
    pub(super) name: String,
    pub(super) count: u64,
}

/// Which hash buckets have a row.
enum Buckets {
    /// All buckets; their rows follow those of the words.
    All,
    /// The buckets that quantization with a cutoff left.
    Some(Kept),
}

/// A set of buckets as bits, with the number of set bits before each word: row = rank.
struct Kept {
    bits: Vec<u64>,
    ranks: Vec<u32>,
    /// Row in the file of each row by rank.
    rows: Vec<u32>,
}

impl Vocabulary {
    pub(super) fn read(cursor: &mut Cursor<'_>, header: Header) -> Result<(Self, Vec<Label>)> {
        let most = i64::from(i32::MAX);
        let size = cursor.number("words and labels", 1, most)?;
        let word_count = cursor.number("words", 0, size as i64)?;
        let label_count = (size - word_count) as i64;
        cursor.number("labels", label_count.max(1), label_count.max(1))?;
        cursor.long()?;
        let kept = cursor.long()?;
        let mut words = HashMap::new();
        let mut labels = Vec::new();
        for place in 0..size {
            let text = cursor.text()?;
            let count = cursor.long_number("count", 0, 1 << 48)? as u64;
            let kind = i64::from(place >= word_count);
            let found = i64::from(cursor.byte()?);
            if found != kind {
                return Err(cursor.wrong(1, format!("kind {found} of entry {place}"), format!("{kind}")));
            }
            if place < word_count {
                words.insert(text.into(), place as u32);
            } else {
                labels.push(Label { name: label_name(cursor, text)?, count });
            }
        }
        let buckets = match kept {
            ..0 => Buckets::All,
            _ => Buckets::Some(Kept::read(cursor, kept, header.buckets)?),
        };
        Ok((Self { words, word_count, header, buckets }, labels))
    }

    /// Rows that the input matrix must have.
    pub(super) fn rows(&self) -> usize {
        let of_buckets = match &self.buckets {
            Buckets::All => self.header.buckets,
            Buckets::Some(kept) => kept.rows.len(),
        };
        self.word_count + of_buckets
    }

    /// Sorts the rows of the buckets by bucket, as [`Self::visit`] expects them.
    pub(super) fn sort_rows(&self, values: &mut Vec<f32>) {
        let Buckets::Some(kept) = &self.buckets else { return };
        let dim = self.header.dim;
        let first = self.word_count * dim;
        let sorted = kept.rows.iter().flat_map(|row| {
            let start = first + *row as usize * dim;
            values[start..start + dim].iter().copied()
        });
        let sorted: Vec<f32> = sorted.collect();
        values.truncate(first);
        values.extend(sorted);
    }

    /// Calls `visitor` with the row of every feature of a line, its end included, in fastText's order.
    pub(super) fn visit(&self, line: &str, mut visitor: impl FnMut(usize)) {
        let separator = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 11 | 12 | 0);
        let words = line.as_bytes().split(separator).filter(|word| !word.is_empty());
        let mut hashes = Vec::new();
        let mut marked = Vec::new();
        for word in words.chain([END_OF_LINE]) {
            let row = self.words.get(word);
            if row.is_none() && word.starts_with(LABEL.as_bytes()) {
                continue;
            }
            if let Some(row) = row {
                visitor(*row as usize);
            }
            if word != END_OF_LINE {
                marked.clear();
                marked.push(b'<');
                marked.extend_from_slice(word);
                marked.push(b'>');
                self.visit_characters(&marked, &mut visitor);
            }
            if self.header.word_ngrams > 1 {
                hashes.push(i64::from(hash(word) as i32) as u64);
            }
        }
        for (start, first) in hashes.iter().enumerate() {
            let mut sum = *first;
            for next in hashes.iter().skip(start + 1).take(self.header.word_ngrams - 1) {
                sum = sum.wrapping_mul(NGRAM_FACTOR).wrapping_add(*next);
                self.visit_bucket(sum, &mut visitor);
            }
        }
    }

    /// Character n-grams of a word between `<` and `>`; the marks alone do not count.
    fn visit_characters(&self, word: &[u8], visitor: &mut impl FnMut(usize)) {
        let (min_n, max_n) = (self.header.min_n, self.header.max_n);
        for start in 0..word.len() {
            if is_continuation(word[start]) {
                continue;
            }
            let (mut sum, mut end) = (HASH_START, start);
            for n in 1..=max_n {
                if end == word.len() {
                    break;
                }
                sum = hash_step(sum, word[end]);
                end += 1;
                while end < word.len() && is_continuation(word[end]) {
                    sum = hash_step(sum, word[end]);
                    end += 1;
                }
                if n >= min_n && !(n == 1 && (start == 0 || end == word.len())) {
                    self.visit_bucket(u64::from(sum), visitor);
                }
            }
        }
    }

    fn visit_bucket(&self, sum: u64, visitor: &mut impl FnMut(usize)) {
        if self.header.buckets == 0 {
            return;
        }
        // Most sums are 32 bits wide, and that division is several times as fast.
        let bucket = match u32::try_from(sum) {
            Ok(sum) => (sum % self.header.buckets as u32) as usize,
            Err(_) => (sum % self.header.buckets as u64) as usize,
        };
        match &self.buckets {
            Buckets::All => visitor(self.word_count + bucket),
            Buckets::Some(kept) => {
                if let Some(rank) = kept.rank(bucket) {
                    visitor(self.word_count + rank);
                }
            }
        }
    }
}

impl Kept {
    fn read(cursor: &mut Cursor<'_>, count: i64, buckets: usize) -> Result<Self> {
        let count = usize::try_from(count).ok().filter(|count| *count <= cursor.left() / 8);
        let Some(count) = count else {
            let expected = format!("at most {} kept n-grams", cursor.left() / 8);
            return Err(cursor.wrong(0, "more kept n-grams", expected));
        };
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            let bucket = cursor.number("bucket", 0, buckets as i64 - 1)?;
            pairs.push((bucket, cursor.number("row of a bucket", 0, count as i64 - 1)? as u32));
        }
        pairs.sort_unstable();
        if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(cursor.wrong(8 * count, format!("bucket {} twice", pair[0].0), "each bucket once"));
        }
        let mut bits = vec![0_u64; buckets.div_ceil(64)];
        for (bucket, _) in &pairs {
            bits[bucket / 64] |= 1 << (bucket % 64);
        }
        let mut before = 0;
        let ranks = bits.iter().map(|word| {
            let rank = before;
            before += word.count_ones();
            rank
        });
        Ok(Self { ranks: ranks.collect(), bits, rows: pairs.into_iter().map(|(_, row)| row).collect() })
    }

    fn rank(&self, bucket: usize) -> Option<usize> {
        let (word, bit) = (self.bits[bucket / 64], 1_u64 << (bucket % 64));
        let below = (word & (bit - 1)).count_ones();
        (word & bit != 0).then(|| (self.ranks[bucket / 64] + below) as usize)
    }
}

fn label_name(cursor: &Cursor<'_>, text: &[u8]) -> Result<String> {
    let name = std::str::from_utf8(text).ok().and_then(|text| text.strip_prefix(LABEL));
    let found = || format!("label {:?}", String::from_utf8_lossy(text));
    name.map(str::to_owned).ok_or_else(|| cursor.wrong(text.len() + 10, found(), "`__label__` and a name"))
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

const HASH_START: u32 = 2_166_136_261;

/// One step of 32-bit FNV-1a; fastText's bytes are signed.
fn hash_step(sum: u32, byte: u8) -> u32 {
    (sum ^ i32::from(byte as i8) as u32).wrapping_mul(16_777_619)
}

fn hash(word: &[u8]) -> u32 {
    word.iter().fold(HASH_START, |sum, byte| hash_step(sum, *byte))
}
