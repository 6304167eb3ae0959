//! [`ReplyParser`]: the pieces of a reply -> content and tool calls.
//!
//! InternLM2 marks a call as `<|action_start|><|plugin|>\n{"name": .., "parameters": ..}<|action_end|>`.
//! Calls are found by the special ids and not by text search, so that text which only looks like a mark stays text.
//! One state machine serves streamed and whole answers. Upstream's `InternLM2ToolParser`
//! (`lmdeploy/serve/openai/tool_parser/internlm2_parser.py`) searches text.

use internlm_model::chat::marks::{ACTION_END, ACTION_START};
use internlm_model::chat::{Channel, PluginCall, parse_reply};
use internlm_model::tokenizer::Special;
use internlm_model::{TokenId, Tokenizer};

use crate::engine::Piece;
use crate::protocol::{FunctionCall, ToolCall};

/// Which marks a model puts around calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ToolSyntax {
    /// The marks of InternLM2, which are ids of the vocabulary.
    Plugin {
        /// The id of `<|action_start|>`, which begins a call.
        start: TokenId,
        /// The id of `<|action_end|>`, which ends a call.
        end: TokenId,
    },
    /// The model does not mark calls: everything is content.
    None,
}

impl ToolSyntax {
    /// The syntax that a vocabulary has the marks for.
    #[must_use]
    pub fn of(tokenizer: &Tokenizer) -> Self {
        match (tokenizer.special(ACTION_START), tokenizer.special(ACTION_END)) {
            (Some(start), Some(end)) => Self::Plugin { start, end },
            _ => Self::None,
        }
    }
}

/// The next certain part of a reply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ReplyDelta {
    /// Text that follows the content so far.
    Content(String),
    /// A call with its name and arguments.
    Call(ToolCall),
}

/// Cuts a reply into content and calls as its ids come.
///
/// Pieces must have been decoded with [`Special::Skip`]. Ids between the marks do not appear in the content, unless they
/// turn out not to be a call; then they appear with their marks.
#[derive(Clone, Debug)]
pub(crate) struct ReplyParser {
    tokenizer: Tokenizer,
    syntax: ToolSyntax,
    special: Special,
    /// First part of the ids of calls, unique in the process.
    prefix: String,
    calls: usize,
    /// Ids since the start mark, inside of a call.
    inside: Option<Vec<TokenId>>,
}

impl ReplyParser {
    /// A parser for one reply; `special` says whether the content shows special tokens other than marks.
    pub(crate) fn new(
        tokenizer: &Tokenizer,
        syntax: ToolSyntax,
        special: Special,
        prefix: impl Into<String>,
    ) -> Self {
        let (tokenizer, prefix) = (tokenizer.clone(), prefix.into());
        Self { tokenizer, syntax, special, prefix, calls: 0, inside: None }
    }

    /// Takes the next piece and gives what became certain with it.
    pub(crate) fn push(&mut self, piece: &Piece) -> Vec<ReplyDelta> {
        if let Some(ids) = &mut self.inside {
            ids.push(piece.id);
            let ended = matches!(self.syntax, ToolSyntax::Plugin { end, .. } if end == piece.id);
            return if ended { self.close() } else { Vec::new() };
        }
        // Text that became certain with this id comes before it.
        let mut text = piece.text.clone();
        match self.syntax {
            ToolSyntax::Plugin { start, .. } if start == piece.id => self.inside = Some(vec![piece.id]),
            _ if self.special == Special::Keep && self.tokenizer.is_special(piece.id) => {
                text += &self.tokenizer.decode(&[piece.id], Special::Keep);
            }
            _ => {}
        }
        content(text)
    }

    /// Takes the end: text that was held back, and a call that was cut off, become content.
    pub(crate) fn finish(&mut self, rest: &str) -> Vec<ReplyDelta> {
        match self.inside.take() {
            Some(ids) => content(self.tokenizer.decode(&ids, Special::Keep)),
            None => content(rest.to_owned()),
        }
    }

    /// Number of calls so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls
    }

    /// A whole call, or content when it is not one.
    fn close(&mut self) -> Vec<ReplyDelta> {
        let ids = self.inside.take().unwrap_or_default();
        let reply = parse_reply(&self.tokenizer, &ids);
        let function = match reply.calls.as_slice() {
            [call] if call.channel == Channel::Plugin => PluginCall::parse(&call.body).ok(),
            _ => None,
        };
        let Some(function) = function else {
            return content(self.tokenizer.decode(&ids, Special::Keep));
        };
        let id = format!("{}_{}", self.prefix, self.calls);
        self.calls += 1;
        let arguments = serde_json::Value::Object(function.arguments).to_string();
        // A start mark without a call, before the one that has it, is content.
        let mut deltas = content(reply.content);
        deltas.push(ReplyDelta::Call(ToolCall::new(id, FunctionCall { name: function.name, arguments })));
        deltas
    }
}

fn content(text: String) -> Vec<ReplyDelta> {
    if text.is_empty() { Vec::new() } else { vec![ReplyDelta::Content(text)] }
}
