//! [`Ranks`]: a byte-pair vocabulary as the files of tiktoken hold it, and GPT-4's way of cutting text into pieces.
//!
//! OpenCompass counts the tokens of its long sets with `tiktoken.encoding_for_model("gpt-4")`, whose vocabulary is the
//! file `cl100k_base.tiktoken`. The pattern is that of tiktoken 0.14 (MIT).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use internlm_model::TokenId;
use regex::Regex;

/// Pieces that are merged on their own. A run of white space may be longer than the piece, see [`piece_end`].
static PIECES: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+";
    Regex::new(pattern).expect("the pattern is a constant that compiles")
});

/// Letters of a wrong line that a message shows.
const SHOWN: usize = 40;

/// Marks a part that was merged into the one before.
const MERGED: usize = usize::MAX;

/// A vocabulary of byte strings; the one with the lowest number is merged first.
#[derive(Debug)]
pub(crate) struct Ranks {
    ids: HashMap<Vec<u8>, u32>,
    bytes: Vec<Vec<u8>>,
}

impl Ranks {
    /// Parses the lines of a `.tiktoken` file: bytes in base64 and their number, counted from 0.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut ids = HashMap::new();
        let mut bytes: Vec<Vec<u8>> = Vec::new();
        for (place, line) in text.lines().enumerate() {
            let wrong = || {
                let found: String = line.chars().take(SHOWN).collect();
                let expected = format!("bytes in base64 and the number {place}");
                format!("vocabulary: line {}: found `{found}`, expected {expected}", place + 1)
            };
            let (token, rank) = line.split_once(' ').ok_or_else(wrong)?;
            let token = STANDARD.decode(token).map_err(|_| wrong())?;
            let rank: usize = rank.parse().map_err(|_| wrong())?;
            let id = u32::try_from(place).map_err(|_| wrong())?;
            if rank != place || ids.insert(token.clone(), id).is_some() {
                return Err(wrong());
            }
            bytes.push(token);
        }
        match (0..=u8::MAX).find(|byte| !ids.contains_key([*byte].as_slice())) {
            Some(byte) => Err(format!("vocabulary: found no token for the byte {byte}, expected all 256")),
            None => Ok(Self { ids, bytes }),
        }
    }

    /// Returns the tokens of a text. What looks like a special token is text.
    pub(super) fn encode(&self, text: &str) -> Vec<TokenId> {
        let mut found = Vec::with_capacity(text.len() / 4);
        let mut start = 0;
        // Every letter begins a piece of some kind, so each match starts where the last piece ended.
        while let Some(run) = PIECES.find_at(text, start) {
            let end = piece_end(text, run.start(), run.end());
            self.merge(&text.as_bytes()[start..end], &mut found);
            start = end;
        }
        found
    }

    /// Returns the text of tokens; bytes that are not UTF-8 become U+FFFD, as in tiktoken.
    pub(super) fn decode(&self, ids: &[TokenId]) -> String {
        let mut bytes = Vec::with_capacity(ids.len() * 4);
        for id in ids {
            bytes.extend(self.bytes.get(id.index()).into_iter().flatten());
        }
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// Merges the bytes of a piece: always the pair with the lowest number, the first one among equals.
    fn merge(&self, piece: &[u8], found: &mut Vec<TokenId>) {
        if let Some(id) = self.ids.get(piece) {
            found.push(TokenId(*id));
            return;
        }
        let length = piece.len();
        // Parts by their start: where the next one starts, and where the one before does.
        let mut next: Vec<usize> = (1..=length).collect();
        let mut before: Vec<usize> = (0..length).map(|start| start.saturating_sub(1)).collect();
        let mut pairs = BinaryHeap::new();
        let pair = |start: usize, end: usize| {
            self.ids.get(piece.get(start..end)?).map(|rank| Reverse((*rank, start, end)))
        };
        pairs.extend((0..length).filter_map(|start| pair(start, start + 2)));
        while let Some(Reverse((_, start, end))) = pairs.pop() {
            let middle = next[start];
            // One of the two parts may have been merged with another since.
            if middle >= length || next[middle] != end {
                continue;
            }
            next[start] = end;
            next[middle] = MERGED;
            if end < length {
                before[end] = start;
                pairs.extend(pair(start, next[end]));
            }
            if start > 0 {
                pairs.extend(pair(before[start], end));
            }
        }
        let mut start = 0;
        while start < length {
            found.extend(self.ids.get(&piece[start..next[start]]).map(|id| TokenId(*id)));
            start = next[start];
        }
    }
}

/// The end of a piece. A run of white space before other text is cut behind its last line break, or else before its last
/// letter, which belongs to the next word (`\s*[\r\n]|\s+(?!\S)|\s`).
fn piece_end(text: &str, start: usize, end: usize) -> usize {
    let run = &text[start..end];
    if end == text.len() || !run.trim_start().is_empty() {
        return end;
    }
    if let Some(line_break) = run.rfind(['\r', '\n']) {
        return start + line_break + 1;
    }
    match run.char_indices().next_back() {
        Some((last, _)) if last > 0 => start + last,
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All bytes, and some merges of our own.
    fn ranks() -> Ranks {
        let bytes = (0..=u8::MAX).map(|byte| vec![byte]);
        let merges = ["th", "he", "the", " t", "  ", "\n\n"].map(|text| text.as_bytes().to_vec());
        let lines = bytes.chain(merges).enumerate();
        let lines: Vec<String> =
            lines.map(|(rank, token)| format!("{} {rank}", STANDARD.encode(token))).collect();
        Ranks::parse(&lines.join("\n")).expect("a vocabulary")
    }

    #[test]
    fn lower_numbers_are_merged_first() {
        let ranks = ranks();
        let tokens = |text: &str| -> Vec<u32> { ranks.encode(text).iter().map(|id| id.0).collect() };
        assert_eq!(tokens("the"), [258]);
        // `th` comes before ` t` although it is further right.
        assert_eq!(tokens(" thx"), [32, 256, 120]);
        assert_eq!(tokens("he's"), [257, 39, 115]);
        assert_eq!(ranks.decode(&ranks.encode("船 回来了 the\n")), "船 回来了 the\n");
        assert_eq!(ranks.decode(&ranks.encode("船")[..2]), "\u{fffd}");
    }

    #[test]
    fn white_space_is_cut_before_the_next_word() {
        for (text, pieces) in [
            ("a  b", &["a", " ", " b"][..]),
            ("a \n\n  b", &["a", " \n\n", " ", " b"][..]),
            ("a 1234  ", &["a", " ", "123", "4", "  "][..]),
            ("It's x.\r\n\ty", &["It", "'s", " x", ".\r\n", "\ty"][..]),
            ("  \n ", &["  \n "][..]),
        ] {
            let mut found = Vec::new();
            let mut start = 0;
            while let Some(run) = PIECES.find_at(text, start) {
                let end = piece_end(text, run.start(), run.end());
                found.push(&text[start..end]);
                start = end;
            }
            assert_eq!(found, pieces, "{text:?}");
        }
    }

    #[test]
    fn a_vocabulary_that_is_not_one_is_refused() {
        for (text, part) in [("IQ== 0\nIg== 2", "line 2"), ("{}", "line 1"), ("IQ== 0", "the byte 0")] {
            let error = Ranks::parse(text).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }
}
