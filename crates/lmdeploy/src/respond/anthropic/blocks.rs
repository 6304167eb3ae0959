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
    /// What the next delta brings along.
    unsent: NewIds,
    events: Vec<MessageEvent>,
}

/// Ids that no delta has brought yet, as far as a request asks for them; none without any.
#[derive(Debug, Default)]
struct NewIds {
    ids: Option<Vec<u32>>,
    logprobs: Option<Vec<(f32, u32)>>,
}

impl Blocks {
    /// No blocks; thoughts will be signed with `signature`.
    pub(super) fn new(signature: String) -> Self {
        Self {
            signature,
            omits_thoughts: false,
            list: Vec::new(),
            open: false,
            call: None,
            arguments: String::new(),
            unsent: NewIds::default(),
            events: Vec::new(),
        }
    }

    /// The same blocks, with thoughts that have no text.
    pub(super) fn without_thoughts(self) -> Self {
        Self { omits_thoughts: true, ..self }
    }

    /// Takes the ids of the next piece, plain and with their log-probabilities; the next delta brings them along.
    pub(super) fn add_ids(&mut self, ids: Option<Vec<u32>>, logprobs: Option<Vec<(f32, u32)>>) {
        if let Some(ids) = ids.filter(|ids| !ids.is_empty()) {
            self.unsent.ids.get_or_insert_default().extend(ids);
        }
        if let Some(logprobs) = logprobs.filter(|logprobs| !logprobs.is_empty()) {
            self.unsent.logprobs.get_or_insert_default().extend(logprobs);
        }
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

    /// Ends the last block. A message without any blocks gets one without text, and ids without text get a delta.
    pub(super) fn finish(&mut self) {
        if self.list.is_empty() {
            self.begin(ContentBlock::Text { text: String::new() });
        }
        if self.unsent.ids.is_some() || self.unsent.logprobs.is_some() {
            self.grow(match self.list.last() {
                Some(ContentBlock::Thinking { .. }) => BlockDelta::ThinkingDelta { thinking: String::new() },
                Some(ContentBlock::ToolUse { .. }) => {
                    BlockDelta::InputJsonDelta { partial_json: String::new() }
                }
                Some(ContentBlock::Text { .. }) | None => BlockDelta::TextDelta { text: String::new() },
            });
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

    /// Sends more of the last block, with the ids that are new.
    fn grow(&mut self, delta: BlockDelta) {
        let unsent = std::mem::take(&mut self.unsent);
        self.send(delta, unsent);
    }

    fn send(&mut self, delta: BlockDelta, new: NewIds) {
        let index = self.list.len().saturating_sub(1);
        let NewIds { ids: output_ids, logprobs: output_token_logprobs } = new;
        self.events.push(MessageEvent::ContentBlockDelta { index, delta, output_ids, output_token_logprobs });
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
                // The ids that wait are those of the block that follows.
                let delta = BlockDelta::SignatureDelta { signature: self.signature.clone() };
                self.send(delta, NewIds::default());
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
