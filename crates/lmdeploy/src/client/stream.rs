//! [`EventStream`]: a streamed answer, event by event.

use std::collections::VecDeque;
use std::pin::Pin;

use futures_util::{Stream, stream};
use reqwest::Response;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::{connection, failed, unreadable};
use super::sse::{EventReader, ServerEvent};
use crate::{Error, Result};

/// The pieces of a streamed answer. It ends after its last piece or the first error; dropping it cancels the request.
pub type EventStream<T> = Pin<Box<dyn Stream<Item = Result<T>> + Send>>;

/// What ends a stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Last {
    /// Data that is not an event: `[DONE]`.
    Done,
    /// An event of one of these types.
    Event(&'static [&'static str]),
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
    let reader = EventReader::default();
    let reading = Reading { response, url, last, reader, ready: VecDeque::new(), ended: false };
    Box::pin(stream::unfold(reading, |mut reading| async move {
        let item = reading.item::<T>().await?;
        reading.ended |= item.is_err();
        Some((item, reading))
    }))
}

impl Reading {
    /// The next piece; none at the end.
    async fn item<T: DeserializeOwned>(&mut self) -> Option<Result<T>> {
        if self.ended {
            return None;
        }
        match self.event().await {
            Ok(event) if matches!(self.last, Last::Done) && event.data == "[DONE]" => None,
            Ok(event) => Some(self.read(&event)),
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
        if let Last::Event(names) = self.last {
            // The type is in the data; what has none is called as its line `event` says.
            let name = value.get("type").and_then(Value::as_str).unwrap_or(&event.name);
            self.ended = names.contains(&name);
        }
        serde_json::from_value(value).map_err(wrong)
    }
}

impl Last {
    /// What the stream has to end with, for messages.
    fn name(self) -> &'static str {
        match self {
            Self::Done => "[DONE]",
            Self::Event(names) => names.first().copied().unwrap_or("its last event"),
        }
    }
}
