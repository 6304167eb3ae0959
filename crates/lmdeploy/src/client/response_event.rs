//! [`ResponseStreamEvent`]: one event of a streamed response as a client reads it.

use serde::Deserialize;

use crate::protocol::TokenLogprob;
use crate::protocol::responses::{OutputItem, OutputPart, ResponseObject};

/// One event of a streamed response. Which fields it has depends on its kind; those of kinds that other servers add are
/// passed over.
///
/// ```
/// use lmdeploy::client::ResponseStreamEvent;
/// let json = r#"{"type": "response.output_text.delta", "sequence_number": 4, "item_id": "msg_1", "output_index": 0,
///     "content_index": 0, "delta": "Hel", "logprobs": []}"#;
/// let event: ResponseStreamEvent = serde_json::from_str(json)?;
/// assert_eq!((event.sequence_number, event.output_text()), (4, Some("Hel")));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
#[non_exhaustive]
pub struct ResponseStreamEvent {
    /// Name of the event: `response.created`, `response.output_text.delta`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Place in the stream, from 0.
    pub sequence_number: u64,
    /// The response as it stands, of `response.created`, `.in_progress`, `.completed` and `.incomplete`.
    pub response: Option<Box<ResponseObject>>,
    /// Place of the item in the response.
    pub output_index: Option<usize>,
    /// An item that begins, still empty, or that is whole.
    pub item: Option<OutputItem>,
    /// Name of the item that a piece belongs to.
    pub item_id: Option<String>,
    /// Place of the part in the item.
    pub content_index: Option<usize>,
    /// A part that begins, still empty, or that is whole.
    pub part: Option<OutputPart>,
    /// The characters that follow those already sent: of text, of reasoning, or of arguments.
    pub delta: Option<String>,
    /// The whole text or reasoning, of an event `.done`.
    pub text: Option<String>,
    /// Name of the function that is called.
    pub name: Option<String>,
    /// The whole arguments of a call, as JSON text.
    pub arguments: Option<String>,
    /// Log-probabilities of the ids whose text is new or whole.
    pub logprobs: Option<Vec<TokenLogprob>>,
}

impl ResponseStreamEvent {
    /// The next characters of the text for the user; none for every other event.
    #[must_use]
    pub fn output_text(&self) -> Option<&str> {
        self.delta.as_deref().filter(|_| self.kind == "response.output_text.delta")
    }
}
