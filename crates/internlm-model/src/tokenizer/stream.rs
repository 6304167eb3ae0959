//! Decoding one id at a time.

use super::pieces::Kind;
use super::{Special, Tokenizer};
use crate::TokenId;

/// Turns ids into text as they come; emits complete UTF-8 characters only.
///
/// What [`push`](Self::push) and [`finish`](Self::finish) return, joined, is what [`Tokenizer::decode`] returns.
#[derive(Clone, Debug)]
pub struct StreamDecoder {
    tokenizer: Tokenizer,
    special: Special,
    pending: Vec<u8>,
    /// Whether the leading space that encoding added is still to be stripped.
    strip: bool,
}

impl Tokenizer {
    /// A decoder that takes one id at a time and never emits half a character.
    #[must_use]
    pub fn stream_decoder(&self, special: Special) -> StreamDecoder {
        let strip = self.pieces().leading_space;
        StreamDecoder { tokenizer: self.clone(), special, pending: Vec::new(), strip }
    }
}

impl StreamDecoder {
    /// Takes the next id and returns the text that became certain, often nothing in the middle of a character.
    pub fn push(&mut self, id: TokenId) -> String {
        let pieces = self.tokenizer.pieces();
        if self.special == Special::Skip && pieces.kind(id) == Kind::Special {
            return String::new();
        }
        let mut bytes = pieces.bytes(id);
        if self.strip && !bytes.is_empty() {
            self.strip = false;
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        self.pending.extend_from_slice(bytes);
        take_complete(&mut self.pending)
    }

    /// The rest: an incomplete character becomes U+FFFD.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

/// Takes everything out of `pending` but a character that more bytes may complete. Invalid bytes become
/// U+FFFD exactly where `String::from_utf8_lossy` puts them.
fn take_complete(pending: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut taken = 0;
    loop {
        match std::str::from_utf8(&pending[taken..]) {
            Ok(valid) => {
                text.push_str(valid);
                taken = pending.len();
                break;
            }
            Err(error) => {
                let valid = taken + error.valid_up_to();
                text.push_str(&String::from_utf8_lossy(&pending[taken..valid]));
                taken = valid;
                let Some(invalid) = error.error_len() else { break };
                text.push(char::REPLACEMENT_CHARACTER);
                taken += invalid;
            }
        }
    }
    pending.drain(..taken);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_back_only_what_more_bytes_may_complete() {
        let mut pending = vec![b'a', 0xe4];
        assert_eq!(take_complete(&mut pending), "a");
        pending.push(0xbd);
        assert_eq!(take_complete(&mut pending), "");
        pending.push(b'b');
        assert_eq!(take_complete(&mut pending), "\u{fffd}b");
        pending.extend([0xff, 0xe4, 0xbd, 0xa0, 0xf0]);
        assert_eq!(take_complete(&mut pending), "\u{fffd}你");
        assert_eq!(pending, [0xf0]);
    }
}
