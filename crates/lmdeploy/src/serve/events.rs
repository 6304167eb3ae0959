//! Server-sent events: chunks as `data:` lines, errors after the first byte, `[DONE]`, pings.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use serde::Serialize;

use super::calls;
use super::failure::error_body;
use crate::engine::{Generation, Output};
use crate::protocol::StreamOptions;
use crate::respond::check_end;
use crate::{Error, Result};

/// Idle time after which a comment line keeps the connection open.
const PING: Duration = Duration::from_secs(10);

/// Outputs of several generations, interleaved as they come, each with the place of its generation.
pub(super) type Outputs = Pin<Box<dyn Stream<Item = (usize, Output)> + Send>>;

/// What the stream of a request contains in addition; none when the answer is sent as a whole. As OpenAI, the options of
/// a stream are refused without one.
pub(super) fn streamed(
    stream: Option<bool>,
    options: Option<StreamOptions>,
) -> Result<Option<StreamOptions>> {
    match (stream, options) {
        (Some(true), options) => Ok(Some(options.unwrap_or_default())),
        (_, None) => Ok(None),
        (_, Some(_)) => {
            Err(Error::field("stream_options", "expected the field to be absent without `stream: true`"))
        }
    }
}

/// Merges generations, each with a prompt of its own. Dropping the stream cancels those that have not ended.
pub(super) fn outputs(generations: Vec<Generation>) -> Outputs {
    choices(generations, 1)
}

/// The same for generations of which each `n` in a row are the choices of one prompt.
pub(super) fn choices(generations: Vec<Generation>, n: usize) -> Outputs {
    let call = calls::current(&generations);
    let streams = generations.into_iter().enumerate().map(|(index, generation)| {
        let next =
            |mut generation: Generation| async { generation.next().await.map(|output| (output, generation)) };
        stream::unfold(generation, next).map(move |output| (index, output)).boxed()
    });
    stream::select_all(streams).inspect(move |(index, output)| call.count(output, index % n)).boxed()
}

/// Waits for the first output and puts it back: a request that fails before its first byte is a plain HTTP error. So is
/// one of whose choices one is known by then to have been refused, which cancels the others.
pub(super) async fn begin(mut outputs: Outputs) -> Result<Outputs> {
    let Some((index, first)) = outputs.next().await else { return Ok(outputs) };
    if let Output::Finished(finished) = &first {
        check_end(&finished.end)?;
    }
    let mut ready = vec![(index, first)];
    while let Some(Some((index, output))) = outputs.next().now_or_never() {
        if let Output::Finished(finished) = &output
            && finished.generated_tokens == 0
        {
            check_end(&finished.end)?;
        }
        ready.push((index, output));
    }
    Ok(stream::iter(ready).chain(outputs).boxed())
}

/// All outputs, once every generation has ended. The first one that fails is the error, and cancels the others.
pub(super) async fn collect(mut outputs: Outputs) -> Result<Vec<(usize, Output)>> {
    let mut all = Vec::new();
    while let Some((index, output)) = outputs.next().await {
        if let Output::Finished(finished) = &output {
            check_end(&finished.end)?;
        }
        all.push((index, output));
    }
    Ok(all)
}

/// Turns outputs into the JSON lines of a stream.
pub(super) trait Render: Send + 'static {
    /// The lines an output gives.
    fn output(&mut self, index: usize, output: Output) -> Result<Vec<String>>;
    /// The lines after the last output.
    fn end(&mut self) -> Vec<String>;
}

/// A protocol body as one line of JSON.
pub(super) fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("protocol types have string keys and finite numbers")
}

enum Step<R> {
    Running(Outputs, R),
    Ending,
}

/// The response: lines of all outputs, then `[DONE]`; an error ends it too.
pub(super) fn respond<R: Render>(outputs: Outputs, render: R) -> Response {
    let lines = stream::unfold(Step::Running(outputs, render), |step| async {
        let Step::Running(mut outputs, mut render) = step else { return None };
        let Some((index, output)) = outputs.next().await else {
            let mut lines = render.end();
            lines.push("[DONE]".to_owned());
            return Some((lines, Step::Ending));
        };
        match render.output(index, output) {
            Ok(lines) => Some((lines, Step::Running(outputs, render))),
            Err(error) => Some((failed(&error), Step::Ending)),
        }
    });
    let events = lines.flat_map(|lines| {
        stream::iter(lines.into_iter().map(|line| Ok::<_, Infallible>(Event::default().data(line))))
    });
    let ping = KeepAlive::new().interval(PING).text("ping");
    let mut response = Sse::new(events).keep_alive(ping).into_response();
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn failed(error: &Error) -> Vec<String> {
    let body = error_body(error);
    tracing::warn!(message = body.message(), "a stream failed");
    vec![line(&serde_json::json!({"error": body.error})), "[DONE]".to_owned()]
}
