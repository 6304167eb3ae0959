//! [`Items`]: the chunks of a chat answer -> output items, and the events that build them up.
//!
//! One item at a time is open. A piece of another kind closes it and opens the next one, so that items are in the order
//! in which the model said them.

use super::options::PLAIN;
use crate::protocol::responses::{
    FunctionCallItem, ItemStatus, MessageItem, OutputItem, OutputPart, PartPlace, ReasoningItem,
    ResponseEventBody,
};
use crate::protocol::{ChatDelta, MessageRole, TokenLogprob, ToolCallDelta};

/// An event without its number.
type Event = (&'static str, ResponseEventBody);

/// The items of a response that is being generated.
#[derive(Debug)]
pub(super) struct Items {
    /// Last part of the names of items; unique in the process.
    name: String,
    /// Whether reasoning is repeated in `encrypted_content`.
    encrypted: bool,
    list: Vec<OutputItem>,
    /// Whether the last item grows.
    open: bool,
    /// Which of the answer's calls the last item is.
    call: Option<usize>,
    events: Vec<Event>,
}

impl Items {
    /// No items, the names of which end with `name`.
    pub(super) fn new(name: String, encrypted: bool) -> Self {
        Self { name, encrypted, list: Vec::new(), open: false, call: None, events: Vec::new() }
    }

    /// Takes the next piece of the answer; `logprobs` belong to its text.
    pub(super) fn push(&mut self, delta: ChatDelta, logprobs: Vec<TokenLogprob>) {
        if let Some(text) = delta.reasoning_content.filter(|text| !text.is_empty()) {
            self.reasoning(text);
        }
        if let Some(text) = delta.content {
            self.text(text, logprobs);
        }
        for piece in delta.tool_calls.unwrap_or_default() {
            self.call(piece);
        }
    }

    /// Ends the last item. A response without any items gets a message without text.
    pub(super) fn finish(&mut self, status: ItemStatus) {
        if self.list.is_empty() {
            self.begin_message();
        }
        self.close(status);
    }

    /// The items as they stand.
    pub(super) fn list(&self) -> &[OutputItem] {
        &self.list
    }

    /// The events since the last time.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn reasoning(&mut self, delta: String) {
        if !(self.open && matches!(self.list.last(), Some(OutputItem::Reasoning(_)))) {
            let item = ReasoningItem { id: self.id("rs"), ..ReasoningItem::default() };
            let part = OutputPart::ReasoningText { text: String::new() };
            self.begin(OutputItem::Reasoning(item), part);
        }
        if let Some(OutputPart::ReasoningText { text }) = self.part() {
            text.push_str(&delta);
        }
        let body = ResponseEventBody::ReasoningDelta { place: self.place(), delta };
        self.events.push(("response.reasoning_text.delta", body));
    }

    fn text(&mut self, delta: String, logprobs: Vec<TokenLogprob>) {
        let is_open = self.open && matches!(self.list.last(), Some(OutputItem::Message(_)));
        // The ids of a stop string have scores but no text: they belong to a message, and do not begin one.
        if delta.is_empty() && (!is_open || logprobs.is_empty()) {
            return;
        }
        if !is_open {
            self.begin_message();
        }
        if let Some(OutputPart::OutputText { text, logprobs: all, .. }) = self.part() {
            text.push_str(&delta);
            all.extend_from_slice(&logprobs);
        }
        let body = ResponseEventBody::TextDelta { place: self.place(), delta, logprobs };
        self.events.push(("response.output_text.delta", body));
    }

    fn call(&mut self, piece: ToolCallDelta) {
        let function = piece.function.unwrap_or_default();
        if !(self.open && self.call == Some(piece.index)) {
            let item = FunctionCallItem {
                id: self.id("fc"),
                call_id: piece.id.unwrap_or_default(),
                name: function.name.unwrap_or_default(),
                ..FunctionCallItem::default()
            };
            self.open(OutputItem::FunctionCall(item));
            self.call = Some(piece.index);
        }
        let Some(delta) = function.arguments.filter(|delta| !delta.is_empty()) else { return };
        if let Some(OutputItem::FunctionCall(item)) = self.list.last_mut() {
            item.arguments.push_str(&delta);
        }
        let PartPlace { item_id, output_index, .. } = self.place();
        let body = ResponseEventBody::ArgumentsDelta { item_id, output_index, delta };
        self.events.push(("response.function_call_arguments.delta", body));
    }

    fn begin_message(&mut self) {
        let item = MessageItem { id: self.id("msg"), role: MessageRole::Assistant, ..MessageItem::default() };
        self.begin(OutputItem::Message(item), OutputPart::output_text(""));
    }

    /// Opens an item with its first part.
    fn begin(&mut self, item: OutputItem, part: OutputPart) {
        self.open(item);
        let body = ResponseEventBody::Part { place: self.place(), part: part.clone() };
        self.events.push(("response.content_part.added", body));
        match self.list.last_mut() {
            Some(OutputItem::Reasoning(item)) => item.content.push(part),
            Some(OutputItem::Message(item)) => item.content.push(part),
            Some(OutputItem::FunctionCall(_)) | None => {}
        }
    }

    /// Closes the last item and opens the next one.
    fn open(&mut self, item: OutputItem) {
        self.close(ItemStatus::Completed);
        let output_index = self.list.len();
        self.events.push((
            "response.output_item.added",
            ResponseEventBody::Item { output_index, item: item.clone() },
        ));
        self.list.push(item);
        self.open = true;
    }

    fn close(&mut self, status: ItemStatus) {
        if !std::mem::replace(&mut self.open, false) {
            return;
        }
        self.call = None;
        let place = self.place();
        let Some(item) = self.list.last_mut() else { return };
        *status_of(item) = status;
        if let OutputItem::Reasoning(reasoning) = item
            && self.encrypted
        {
            let text = reasoning.content.first().map_or("", OutputPart::text);
            reasoning.encrypted_content = Some(format!("{PLAIN}{text}"));
        }
        let output_index = place.output_index;
        let item = item.clone();
        self.events.extend(done(&item, place));
        self.events.push(("response.output_item.done", ResponseEventBody::Item { output_index, item }));
    }

    /// The part that grows.
    fn part(&mut self) -> Option<&mut OutputPart> {
        match self.list.last_mut()? {
            OutputItem::Reasoning(item) => item.content.last_mut(),
            OutputItem::Message(item) => item.content.last_mut(),
            OutputItem::FunctionCall(_) => None,
        }
    }

    /// Where the part that grows is.
    fn place(&self) -> PartPlace {
        let item_id = self.list.last().map_or("", OutputItem::id).to_owned();
        PartPlace { item_id, output_index: self.list.len().saturating_sub(1), content_index: 0 }
    }

    /// The name of the next item.
    fn id(&self, kind: &str) -> String {
        format!("{kind}_{}_{}", self.name, self.list.len())
    }
}

fn status_of(item: &mut OutputItem) -> &mut ItemStatus {
    match item {
        OutputItem::Reasoning(item) => &mut item.status,
        OutputItem::Message(item) => &mut item.status,
        OutputItem::FunctionCall(item) => &mut item.status,
    }
}

/// The events that say what an item has become, before the one that says that it is done.
fn done(item: &OutputItem, place: PartPlace) -> Vec<Event> {
    let text = item.text().to_owned();
    let part = match item {
        OutputItem::FunctionCall(call) => {
            let PartPlace { item_id, output_index, .. } = place;
            let name = call.name.clone();
            let body = ResponseEventBody::ArgumentsDone { item_id, output_index, name, arguments: text };
            return vec![("response.function_call_arguments.done", body)];
        }
        OutputItem::Reasoning(item) => item.content.first(),
        OutputItem::Message(item) => item.content.first(),
    };
    let Some(part) = part.cloned() else { return Vec::new() };
    let whole = match &part {
        OutputPart::OutputText { logprobs, .. } => {
            let logprobs = logprobs.clone();
            let body = ResponseEventBody::TextDone { place: place.clone(), text, logprobs };
            ("response.output_text.done", body)
        }
        OutputPart::ReasoningText { .. } => {
            ("response.reasoning_text.done", ResponseEventBody::ReasoningDone { place: place.clone(), text })
        }
    };
    vec![whole, ("response.content_part.done", ResponseEventBody::Part { place, part })]
}

#[cfg(test)]
mod tests;
