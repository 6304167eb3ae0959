//! `POST /v1/chat/completions`: an agent behind OpenAI's API.
//!
//! By default the agent calls its tools itself and the answer is final. A stream tells what leads to the answer as
//! `reasoning_content`, see [`LiveText`]. With `"agent_tools": "calls"` the answer has
//! the calls as `tool_calls`; the client makes them and sends the conversation again with their results, which
//! continues the same run.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::sse::Event as SentEvent;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use lmdeploy::protocol::StreamOptions;
use serde_json::{Value, json};

use super::app::App;
use super::caller::Caller;
use super::chat_request::{ChatQuestion, written_calls};
use super::event_stream;
use super::failure::Failure;
use super::fields::Fields;
use super::live_text::LiveText;
use super::narrator::Piece;
use super::run::Run;
use super::tenants::Tenant;
use super::turn::{Resumed, Subject, Turn, new_place, place};
use super::waiting::{Waiting, name_run};
use crate::client::{RunInfo, RunStatus};
use crate::message::AgentMessage;
use crate::run::{Counters, Finish};

/// Answers a chat with one body or with a stream of events.
pub(super) async fn create(
    State(app): State<App>,
    Caller(tenant): Caller,
    fields: Fields,
) -> Result<Response, Failure> {
    let question = ChatQuestion::read(&app, fields)?;
    let streamed = question.streamed;
    let (run, live) = begin(&app, tenant, question)?;
    let begun = run.info();
    let id = begun.id.clone();
    let waiting = Waiting::new(run);
    let mut response = match streamed {
        Some(options) => Streaming { app, waiting: Some(waiting), live, begun, options }.respond(),
        None => Json(whole(&app, &waiting.answer().await?)).into_response(),
    };
    name_run(&mut response, &id);
    Ok(response)
}

/// Starts a run, or continues the one whose calls the request answers.
fn begin(app: &App, tenant: Tenant, question: ChatQuestion) -> Result<(Arc<Run>, Option<LiveText>), Failure> {
    if let Some(id) = question.continued() {
        let place = place(app, &tenant)?;
        let parked = app.parked.take(&tenant.name, id, |parked| question.check(parked))?;
        let parked = parked.ok_or_else(|| {
            let message = format!("messages: found a result for {id}, expected a run that waits for it");
            Failure { param: Some("messages".to_owned()), ..Failure::new(404, message) }
        })?;
        let (run, events) = (Arc::clone(&parked.scene.run), question.results(id, &parked.calls));
        let live = question.streamed.and_then(|_| LiveText::of(&parked.scene.agent, &run));
        Turn::resume(app, parked, Resumed { events, asked: question.asked, place });
        return Ok((run, live));
    }
    let ChatQuestion { agent, tuning, mode, asked, messages, streamed } = question;
    let served = Arc::clone(&agent);
    let place = new_place(app, &tenant)?;
    let turn = Turn::new(app, Subject { tenant, agent, tuning, mode, session: Value::Null }, place);
    let run = Arc::clone(turn.run());
    // Before the question is asked, so that no piece is missed.
    let live = streamed.and_then(|_| LiveText::of(&served, &run));
    turn.ask_alone(app, messages, asked);
    Ok((run, live))
}

/// The parts of an answer that its two forms share.
struct Parts {
    content: Option<String>,
    calls: Vec<Value>,
    finish: &'static str,
}

impl Parts {
    fn of(app: &App, info: &RunInfo) -> Self {
        if info.status == RunStatus::NeedsTools {
            let id = &info.id;
            let open = app.parked.look(id, |run| (written_calls(id, &run.calls), run.text.clone()));
            // Nothing is left only when the run was ended in between, which the next request is told.
            let (calls, text) = open.unwrap_or_default();
            return Self { content: Some(text).filter(|text| !text.is_empty()), calls, finish: "tool_calls" };
        }
        let content = info.answer.as_ref().map(AgentMessage::text);
        let finish = if info.finish == Some(Finish::Length) { "length" } else { "stop" };
        Self { content, calls: Vec::new(), finish }
    }
}

fn whole(app: &App, info: &RunInfo) -> Value {
    let Parts { content, calls, finish } = Parts::of(app, info);
    let mut message = json!({ "role": "assistant", "content": content });
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    let choice = json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": finish });
    json!({
        "id": format!("chatcmpl-{}", info.id),
        "object": "chat.completion",
        "created": info.created,
        "model": info.agent,
        "choices": [choice],
        "usage": usage(&info.used),
    })
}

/// The tokens of all model requests of the run so far.
fn usage(used: &Counters) -> Value {
    json!({
        "prompt_tokens": used.input_tokens,
        "completion_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
    })
}

/// A chunk of a stream, without choices.
fn chunk(info: &RunInfo) -> Value {
    json!({
        "id": format!("chatcmpl-{}", info.id),
        "object": "chat.completion.chunk",
        "created": info.created,
        "model": info.agent,
        "choices": [],
    })
}

fn delta(info: &RunInfo, delta: &Value, finish: Option<&str>) -> Value {
    let mut chunk = chunk(info);
    chunk["choices"] = json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]);
    chunk
}

/// The part of a chunk that has a piece of text.
fn written(piece: Piece) -> Value {
    match piece {
        Piece::Reasoning(text) => json!({ "reasoning_content": text }),
        Piece::Answer(text) => json!({ "content": text }),
    }
}

/// A streamed answer under way.
struct Streaming {
    app: App,
    /// Absent after the last chunk.
    waiting: Option<Waiting>,
    live: Option<LiveText>,
    /// The run at its beginning, for the names of chunks.
    begun: RunInfo,
    options: StreamOptions,
}

impl Streaming {
    /// The answer: the role at once, text while it is generated, the rest at the run's end.
    fn respond(self) -> Response {
        let role = delta(&self.begun, &json!({ "role": "assistant", "content": "" }), None);
        let later = stream::unfold(self, |mut streaming| async move {
            let chunks = streaming.next().await?;
            Some((stream::iter(chunks), streaming))
        });
        let lines = stream::iter([role]).chain(later.flatten()).map(|chunk| chunk.to_string());
        let lines = lines.chain(stream::iter(["[DONE]".to_owned()]));
        event_stream::respond(lines.map(|line| Ok::<_, Infallible>(SentEvent::default().data(line))))
    }

    /// The next chunks; nothing after the last ones.
    async fn next(&mut self) -> Option<Vec<Value>> {
        let waiting = self.waiting.as_ref()?;
        if let Some(live) = &mut self.live {
            let piece = tokio::select! {
                // What is known of a run comes before its end, and a run that needs its client has no last line.
                biased;
                piece = live.next() => piece,
                () = waiting.ended() => None,
            };
            if let Some(piece) = piece {
                return Some(vec![delta(&self.begun, &written(piece), None)]);
            }
        }
        let answer = self.waiting.take()?.answer().await;
        let chunks = answer.and_then(|info| self.last_chunks(&info));
        Some(chunks.unwrap_or_else(|failure| vec![json!({ "error": failure.body()["error"] })]))
    }

    /// The chunks of an answer whose beginning may have been sent.
    fn last_chunks(&self, info: &RunInfo) -> Result<Vec<Value>, Failure> {
        let Parts { content, calls, finish } = Parts::of(&self.app, info);
        let content = content.unwrap_or_default();
        let rest = match &self.live {
            Some(live) => live.rest(&content),
            None => Some(content.as_str()),
        };
        let message =
            "the answer turned out to be another text than the one that was streamed: ask without `stream`";
        let rest = rest.ok_or_else(|| Failure::new(500, message))?;
        let mut chunks = Vec::new();
        if !rest.is_empty() {
            chunks.push(delta(info, &json!({ "content": rest }), None));
        }
        for (index, mut call) in calls.into_iter().enumerate() {
            call["index"] = Value::from(index);
            chunks.push(delta(info, &json!({ "tool_calls": [call] }), None));
        }
        chunks.push(delta(info, &json!({}), Some(finish)));
        if self.options.include_usage {
            let mut last = chunk(info);
            last["usage"] = usage(&info.used);
            chunks.push(last);
        }
        Ok(chunks)
    }
}
