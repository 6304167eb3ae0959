//! [`EventStream`]: a streamed answer, event by event.

use std::collections::VecDeque;
use std::pin::Pin;

use futures_util::{Stream, TryStreamExt, stream};
use reqwest::Response;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::{connection, failed, unreadable};
use super::sse::{EventReader, ServerEvent};
use crate::{Error, Result};

/// The pieces of a streamed answer. It ends after its last piece or the first error; dropping it cancels the request.
pub type EventStream<T> = Pin<Box<dyn Stream<Item = Result<T>> + Send>>;

/// What a stream has to end with, in messages, when that has no name.
const LAST_EVENT: &str = "its last event";

/// What ends a stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Last {
    /// Data that is not an event: `[DONE]`.
    Done,
    /// An event of one of these types.
    Event(&'static [&'static str]),
    /// An event whose data has this field.
    Field(&'static str),
}

/// A stream of events that is being read.
struct Reading {
    response: Response,
    url: String,
    last: Last,
    reader: EventReader,
    ready: VecDeque<ServerEvent>,
    ended: bool,
}

/// The events of an answer, each read as `T`.
pub(super) fn event_stream<T>(response: Response, url: String, last: Last) -> EventStream<T>
where
    T: DeserializeOwned + Send + 'static,
{
    Box::pin(numbered(response, url, last).map_ok(|(_, piece)| piece))
}

/// The same with the number of each event that has one as its id.
pub(super) fn numbered_stream<T>(response: Response, url: String, last: Last) -> EventStream<(Option<u64>, T)>
where
    T: DeserializeOwned + Send + 'static,
{
    Box::pin(numbered(response, url, last))
}

fn numbered<T>(
    response: Response,
    url: String,
    last: Last,
) -> impl Stream<Item = Result<(Option<u64>, T)>> + Send + 'static
where
    T: DeserializeOwned + Send + 'static,
{
    let reader = EventReader::default();
    let reading = Reading { response, url, last, reader, ready: VecDeque::new(), ended: false };
    stream::unfold(reading, |mut reading| async move {
        let item = reading.item::<T>().await?;
        reading.ended |= item.is_err();
        Some((item, reading))
    })
}

impl Reading {
    /// The number and the content of the next piece; none at the end.
    async fn item<T: DeserializeOwned>(&mut self) -> Option<Result<(Option<u64>, T)>> {
        if self.ended {
            return None;
        }
        match self.event().await {
            Ok(event) if matches!(self.last, Last::Done) && event.data == "[DONE]" => None,
            Ok(event) => Some(self.read(&event).map(|piece| (event.id.parse().ok(), piece))),
            Err(error) => Some(Err(error)),
        }
    }

    /// The next event; an error when the connection ends before the last one.
    async fn event(&mut self) -> Result<ServerEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.ready.extend(self.reader.push(&bytes)),
                Ok(None) => {
                    let message = format!("the stream ended without {}", self.last.name());
                    return Err(Error::Connection { url: self.url.clone(), message });
                }
                Err(error) => return Err(connection(&self.url, &error)),
            }
        }
    }

    /// Reads an event: a piece of the answer, or why it failed after its first byte.
    fn read<T: DeserializeOwned>(&mut self, event: &ServerEvent) -> Result<T> {
        let wrong = |error: serde_json::Error| unreadable(&self.url, &error, &event.data);
        let value: Value = serde_json::from_str(&event.data).map_err(wrong)?;
        if let Some(error) = failed(&self.url, &value) {
            return Err(error);
        }
        self.ended = match self.last {
            Last::Done => false,
            Last::Event(names) => {
                // The type is in the data; what has none is called as its line `event` says.
                let name = value.get("type").and_then(Value::as_str).unwrap_or(&event.name);
                names.contains(&name)
            }
            Last::Field(name) => value.get(name).is_some(),
        };
        serde_json::from_value(value).map_err(wrong)
    }
}

impl Last {
    /// What the stream has to end with, for messages.
    fn name(self) -> &'static str {
        match self {
            Self::Done => "[DONE]",
            Self::Event(names) => names.first().copied().unwrap_or(LAST_EVENT),
            Self::Field(_) => LAST_EVENT,
        }
    }
}
