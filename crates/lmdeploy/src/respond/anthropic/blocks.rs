//! [`Blocks`]: the chunks of a chat answer -> blocks of a message, and the events that build them up.
//!
//! One block at a time is open, as Anthropic's clients expect. A piece of another kind closes it and opens the next one.

use serde_json::{Map, Value};

use crate::protocol::anthropic::{BlockDelta, ContentBlock, MessageEvent};
use crate::protocol::{ChatDelta, ToolCallDelta};

/// The blocks of a message that is being generated.
#[derive(Debug)]
pub(super) struct Blocks {
    /// What thoughts are signed with.
    signature: String,
    /// Whether thoughts are only told of.
    omits_thoughts: bool,
    list: Vec<ContentBlock>,
    /// Whether the last block grows.
    open: bool,
    /// Which of the answer's calls the last block is.
    call: Option<usize>,
    /// The arguments of the last block so far.
    arguments: String,
    events: Vec<MessageEvent>,
}

impl Blocks {
    /// No blocks; thoughts will be signed with `signature`.
    pub(super) fn new(signature: String) -> Self {
        let arguments = String::new();
        let (list, events) = (Vec::new(), Vec::new());
        Self { signature, omits_thoughts: false, list, open: false, call: None, arguments, events }
    }

    /// The same blocks, with thoughts that have no text.
    pub(super) fn without_thoughts(self) -> Self {
        Self { omits_thoughts: true, ..self }
    }

    /// Takes the next piece of the answer.
    pub(super) fn push(&mut self, delta: ChatDelta) {
        if let Some(thinking) = delta.reasoning_content.filter(|text| !text.is_empty()) {
            self.thinking(thinking);
        }
        if let Some(text) = delta.content.filter(|text| !text.is_empty()) {
            self.text(text);
        }
        for piece in delta.tool_calls.unwrap_or_default() {
            self.call(piece);
        }
    }

    /// Ends the last block. A message without any blocks gets one without text.
    pub(super) fn finish(&mut self) {
        if self.list.is_empty() {
            self.begin(ContentBlock::Text { text: String::new() });
        }
        self.close();
    }

    /// The blocks as they stand.
    pub(super) fn list(&self) -> &[ContentBlock] {
        &self.list
    }

    /// The events since the last time.
    pub(super) fn take_events(&mut self) -> Vec<MessageEvent> {
        std::mem::take(&mut self.events)
    }

    fn thinking(&mut self, thinking: String) {
        if !(self.open && matches!(self.list.last(), Some(ContentBlock::Thinking { .. }))) {
            self.begin(ContentBlock::Thinking { thinking: String::new(), signature: String::new() });
        }
        if self.omits_thoughts {
            return;
        }
        if let Some(ContentBlock::Thinking { thinking: whole, .. }) = self.list.last_mut() {
            whole.push_str(&thinking);
        }
        self.grow(BlockDelta::ThinkingDelta { thinking });
    }

    fn text(&mut self, text: String) {
        if !(self.open && matches!(self.list.last(), Some(ContentBlock::Text { .. }))) {
            self.begin(ContentBlock::Text { text: String::new() });
        }
        if let Some(ContentBlock::Text { text: whole }) = self.list.last_mut() {
            whole.push_str(&text);
        }
        self.grow(BlockDelta::TextDelta { text });
    }

    fn call(&mut self, piece: ToolCallDelta) {
        let function = piece.function.unwrap_or_default();
        if !(self.open && self.call == Some(piece.index)) {
            let (id, name) = (piece.id.unwrap_or_default(), function.name.unwrap_or_default());
            self.begin(ContentBlock::ToolUse { id, name, input: Map::new() });
            self.call = Some(piece.index);
        }
        if let Some(partial_json) = function.arguments.filter(|text| !text.is_empty()) {
            self.arguments.push_str(&partial_json);
            self.grow(BlockDelta::InputJsonDelta { partial_json });
        }
    }

    fn begin(&mut self, content_block: ContentBlock) {
        self.close();
        let index = self.list.len();
        self.list.push(content_block.clone());
        self.open = true;
        self.events.push(MessageEvent::ContentBlockStart { index, content_block });
    }

    fn grow(&mut self, delta: BlockDelta) {
        let index = self.list.len().saturating_sub(1);
        self.events.push(MessageEvent::ContentBlockDelta { index, delta });
    }

    fn close(&mut self) {
        if !std::mem::replace(&mut self.open, false) {
            return;
        }
        self.call = None;
        let arguments = std::mem::take(&mut self.arguments);
        match self.list.last_mut() {
            Some(ContentBlock::Thinking { signature, .. }) => {
                signature.clone_from(&self.signature);
                self.grow(BlockDelta::SignatureDelta { signature: self.signature.clone() });
            }
            // Arguments that were cut off are not an object. A stream has told them as far as they came.
            Some(ContentBlock::ToolUse { input, .. }) => {
                if let Ok(Value::Object(read)) = serde_json::from_str(&arguments) {
                    *input = read;
                }
            }
            Some(ContentBlock::Text { .. }) | None => {}
        }
        self.events.push(MessageEvent::ContentBlockStop { index: self.list.len().saturating_sub(1) });
    }
}

#[cfg(test)]
mod tests;
