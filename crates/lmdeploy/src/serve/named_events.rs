//! Server-sent events with names: the streams of `/v1/responses` and `/v1/messages`.
//!
//! Unlike the streams of [`events`](super::events) they end with an event of their own, and not with `[DONE]`.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};

use super::events::Outputs;
use crate::engine::Output;
use crate::{Error, Result};

/// Idle time after which a sign of life keeps the connection open.
const PING: Duration = Duration::from_secs(10);

/// An event: its name and its data as one line of JSON.
#[derive(Debug)]
pub(super) struct NamedEvent {
    pub(super) name: &'static str,
    pub(super) data: String,
}

/// Turns the outputs of one generation into events.
pub(super) trait RenderNamed: Send + 'static {
    /// The events before the first output.
    fn begin(&mut self) -> Vec<NamedEvent>;
    /// The events of an output; the end of the generation gives the last ones.
    fn output(&mut self, output: Output) -> Result<Vec<NamedEvent>>;
    /// The last events of a stream that broke off.
    fn failed(&mut self, error: &Error) -> Vec<NamedEvent>;
    /// What is sent while nothing happens.
    fn ping(&self) -> Option<NamedEvent>;
}

enum Step<R> {
    Begin(Outputs, R),
    Running(Outputs, R),
    End,
}

/// The response: the events before the outputs, then those of the outputs; an error ends it.
pub(super) fn respond<R: RenderNamed>(outputs: Outputs, render: R) -> Response {
    let alive = KeepAlive::new().interval(PING);
    let alive = match render.ping() {
        Some(event) => alive.event(wire(event)),
        None => alive.text("ping"),
    };
    let steps = stream::unfold(Step::Begin(outputs, render), |step| async {
        let (mut outputs, mut render) = match step {
            Step::Begin(outputs, mut render) => {
                return Some((render.begin(), Step::Running(outputs, render)));
            }
            Step::Running(outputs, render) => (outputs, render),
            Step::End => return None,
        };
        let (_, output) = outputs.next().await?;
        match render.output(output) {
            Ok(events) => Some((events, Step::Running(outputs, render))),
            Err(error) => {
                tracing::warn!(message = error.to_string(), "a stream failed");
                Some((render.failed(&error), Step::End))
            }
        }
    });
    let events = steps
        .flat_map(|events| stream::iter(events.into_iter().map(|event| Ok::<_, Infallible>(wire(event)))));
    let mut response = Sse::new(events).keep_alive(alive).into_response();
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn wire(event: NamedEvent) -> Event {
    Event::default().event(event.name).data(event.data)
}
