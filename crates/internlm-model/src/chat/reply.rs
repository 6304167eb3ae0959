//! From generated ids back to content and calls.

use super::marks::{ACTION_END, ACTION_START, IM_END};
use super::{Channel, ToolCall};
use crate::tokenizer::Special;
use crate::{TokenId, Tokenizer};

/// A generated answer, separated into text and calls.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reply {
    /// Text outside of calls. A call that was cut off stays here, marks included: nothing is lost.
    pub content: String,
    /// The calls in order. A body may be anything; [`PluginCall::parse`](super::PluginCall::parse) reads it.
    pub calls: Vec<ToolCall>,
}

/// Parses generated ids by the special ids, not by text search; ends at `<|im_end|>` or eos.
#[must_use]
pub fn parse_reply(tokenizer: &Tokenizer, ids: &[TokenId]) -> Reply {
    let special = |name: &str| tokenizer.special(name);
    let is_channel = |id: TokenId| Channel::CALLS.iter().any(|channel| special(channel.name()) == Some(id));
    let ends = [special(IM_END), tokenizer.eos()];
    let length = ids.iter().position(|&id| ends.contains(&Some(id))).unwrap_or(ids.len());
    let mut rest = &ids[..length];
    let mut reply = Reply::default();
    let Some(start) = special(ACTION_START) else {
        reply.content = tokenizer.decode(rest, Special::Skip);
        return reply;
    };
    let mut text = Vec::new();
    while let Some(at) = rest.iter().position(|&id| id == start) {
        text.extend(rest[..at].iter().map(|&id| (id, Special::Skip)));
        let call = rest.get(at + 1).and_then(|&mark| {
            let channel = Channel::CALLS.into_iter().find(|channel| special(channel.name()) == Some(mark))?;
            let length = rest[at + 2..].iter().position(|&id| Some(id) == special(ACTION_END))?;
            Some((channel, &rest[at + 2..at + 2 + length]))
        });
        match call {
            Some((channel, body)) => {
                let text = tokenizer.decode(body, Special::Keep);
                reply.calls.push(ToolCall::new(channel, without_newline(&text)));
                rest = &rest[at + 2 + body.len() + 1..];
            }
            None => {
                // Not a call: the mark stays visible, and so does a body that was cut off.
                let cut_off = rest.get(at + 1).is_some_and(|&id| is_channel(id));
                let shown = if cut_off { rest.len() } else { at + 1 };
                text.extend(rest[at..shown].iter().map(|&id| (id, Special::Keep)));
                rest = &rest[shown..];
            }
        }
    }
    text.extend(rest.iter().map(|&id| (id, Special::Skip)));
    reply.content = decode(tokenizer, &text);
    reply
}

/// Decodes runs of ids of the same kind.
fn decode(tokenizer: &Tokenizer, ids: &[(TokenId, Special)]) -> String {
    let mut text = String::new();
    for run in ids.chunk_by(|left, right| left.1 == right.1) {
        let plain: Vec<TokenId> = run.iter().map(|(id, _)| *id).collect();
        text.push_str(&tokenizer.decode(&plain, run[0].1));
    }
    text
}

/// Parses text in which special tokens are written by name, as a foreign server may send it.
///
/// Text alone cannot tell a token from its name: content that spells a call is taken for one. The text ends at
/// `<|im_end|>`; unlike [`parse_reply`], this neither knows the vocabulary's other ends, such as `</s>`, nor removes
/// other special tokens. Use [`parse_reply`] where there are ids.
///
/// ```
/// use internlm_model::chat::parse_reply_text;
///
/// let reply = parse_reply_text("I add.<|action_start|><|plugin|>\n{\"name\": \"add\"}<|action_end|><|im_end|>");
/// assert_eq!(reply.content, "I add.");
/// assert_eq!(reply.calls[0].body, "{\"name\": \"add\"}");
/// ```
#[must_use]
pub fn parse_reply_text(text: &str) -> Reply {
    let mut rest = text.split_once(IM_END).map_or(text, |(before, _)| before);
    let mut reply = Reply::default();
    while let Some((before, after)) = rest.split_once(ACTION_START) {
        reply.content.push_str(before);
        let call = Channel::CALLS.into_iter().find_map(|channel| {
            let (body, rest) = after.strip_prefix(channel.name())?.split_once(ACTION_END)?;
            Some((ToolCall::new(channel, without_newline(body)), rest))
        });
        match call {
            Some((call, remaining)) => {
                reply.calls.push(call);
                rest = remaining;
            }
            None => {
                reply.content.push_str(ACTION_START);
                rest = after;
            }
        }
    }
    reply.content.push_str(rest);
    reply
}

/// The newline after the channel's mark belongs to the format, not to the body.
fn without_newline(body: &str) -> &str {
    body.strip_prefix('\n').unwrap_or(body)
}
