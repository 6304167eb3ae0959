//! [`Reply`]: the pieces of a reply -> deltas of a chat message.

use super::ServedModel;
use crate::engine::{End, Finished, Piece};
use crate::parse::{Delta, FormatParser, ParseOptions, Parser, Section};
use crate::protocol::{ChatDelta, ToolCallDelta};

/// A reply that is being generated.
#[derive(Debug)]
pub(super) struct Reply {
    parser: FormatParser,
    /// First part of the ids of calls, unique in the process.
    prefix: String,
    limits: ReplyLimits,
    /// Number of ids that are reasoning.
    reasoning: usize,
    /// Number of ids of which it is not known, because their text may be the mark that ends it.
    uncertain: usize,
}

/// Which parts of a reply are shown. The others are generated and counted all the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyLimits {
    /// Maximum number of calls; further ones are left out.
    pub(super) calls: usize,
    /// Whether the grammar of the reply allows nothing but calls: what is left of one that was cut off is not content.
    pub(super) only_calls: bool,
    /// Whether what the model thinks is shown.
    pub(super) shows_reasoning: bool,
}

impl Reply {
    /// A reply of `model`, of which nothing has come; `prefix` begins the ids of its calls.
    pub(super) fn new(
        model: &ServedModel,
        options: ParseOptions,
        prefix: String,
        limits: ReplyLimits,
    ) -> Self {
        let parser = FormatParser::new(&model.tokenizer, options);
        Self { parser, prefix, limits, reasoning: 0, uncertain: 0 }
    }

    /// Takes the next piece and appends what became certain with it to `message`.
    pub(super) fn push(&mut self, piece: &Piece, message: &mut Vec<ChatDelta>) {
        let before = self.parser.section();
        let deltas = self.parser.push(&piece.text, &[piece.id]);
        self.count(before);
        self.append(deltas, message);
    }

    /// Takes the end, with text that was held back until now.
    pub(super) fn finish(&mut self, finished: &Finished, message: &mut Vec<ChatDelta>) {
        let mut deltas = self.parser.push(&finished.rest, &[]);
        deltas.extend(self.parser.finish());
        let is_cut = !matches!(finished.end, End::Stop(_)) || finished.stop_string.is_some();
        if self.limits.only_calls && is_cut {
            deltas.retain(|delta| !matches!(delta, Delta::Content(_)));
        }
        self.reasoning += std::mem::take(&mut self.uncertain);
        self.append(deltas, message);
    }

    /// Whether a call is whole.
    pub(super) fn has_calls(&self) -> bool {
        self.parser.complete() > 0
    }

    /// Number of ids between the marks of reasoning.
    pub(super) fn reasoning_tokens(&self) -> usize {
        self.reasoning
    }

    /// Counts an id. Those of the marks themselves are not reasoning.
    fn count(&mut self, before: Section) {
        if before == Section::Content || self.parser.section() == Section::Content {
            self.uncertain = 0;
            return;
        }
        self.uncertain += 1;
        if !self.parser.holds() {
            self.reasoning += std::mem::take(&mut self.uncertain);
        }
    }

    fn append(&self, deltas: Vec<Delta>, message: &mut Vec<ChatDelta>) {
        for delta in deltas {
            match delta {
                Delta::Reasoning(_) if !self.limits.shows_reasoning => {}
                Delta::Content(text) => push_text(message, text, |delta| &mut delta.content),
                Delta::Reasoning(text) => push_text(message, text, |delta| &mut delta.reasoning_content),
                Delta::CallStart { index, .. } | Delta::CallArguments { index, .. }
                    if index >= self.limits.calls => {}
                Delta::CallStart { index, name, id } => {
                    let id = id.unwrap_or_else(|| format!("{}_{index}", self.prefix));
                    message.push(call_delta(ToolCallDelta::begun(index, id, name)));
                }
                Delta::CallArguments { index, text } => push_arguments(message, index, text),
            }
        }
    }
}

/// Text joins the last delta if that has text of the same kind.
fn push_text(
    message: &mut Vec<ChatDelta>,
    text: String,
    field: impl Fn(&mut ChatDelta) -> &mut Option<String>,
) {
    match message.last_mut().and_then(|last| field(last).as_mut()) {
        Some(last) => last.push_str(&text),
        None => {
            let mut delta = ChatDelta::default();
            *field(&mut delta) = Some(text);
            message.push(delta);
        }
    }
}

/// Arguments join the last delta if that is of the same call.
fn push_arguments(message: &mut Vec<ChatDelta>, index: usize, text: String) {
    let calls = message.last_mut().and_then(|last| last.tool_calls.as_mut());
    let call = calls.and_then(|calls| calls.last_mut()).filter(|call| call.index == index);
    let function = call.and_then(|call| call.function.as_mut());
    match function.and_then(|function| function.arguments.as_mut()) {
        Some(arguments) => arguments.push_str(&text),
        None => message.push(call_delta(ToolCallDelta::more(index, text))),
    }
}

fn call_delta(call: ToolCallDelta) -> ChatDelta {
    ChatDelta { tool_calls: Some(vec![call]), ..ChatDelta::default() }
}
