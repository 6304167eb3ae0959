//! From generated ids back to content and calls.

use super::ToolCall;
use crate::{TokenId, Tokenizer};

/// A parsed reply.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reply {
    /// Text outside of calls.
    pub content: String,
    /// The calls in order.
    pub calls: Vec<ToolCall>,
}

/// Parses generated ids by the special ids, not by text search.
#[must_use]
pub fn parse_reply(_tokenizer: &Tokenizer, _ids: &[TokenId]) -> Reply {
    Reply::default()
}

/// The same from text that kept its special tokens.
#[must_use]
pub fn parse_reply_text(_text: &str) -> Reply {
    Reply::default()
}
