//! [`ChatQuestion`]: a request of `POST /v1/chat/completions`, checked; and the results of calls that it brings.

use std::sync::Arc;

use internlm_model::chat::Message;
use internlm_model::chat::openai::read_messages;
use lmdeploy::protocol::{ChatMessage, MessageRole, StreamOptions};
use serde_json::{Value, json};

use super::ToolsMode;
use super::agents::ServedAgent;
use super::app::App;
use super::drive::OpenCall;
use super::failure::Failure;
use super::fields::Fields;
use super::parked::ParkedRun;
use super::question::tuning;
use crate::action::ActionReturn;
use crate::client::Tuning;
use crate::run::{Event, ToolOutcome};

/// What the ids of this server's calls begin with; the run and the number of the call follow.
const CALL: &str = "call_";
/// Fields that may only have the value that changes nothing.
const NEUTRAL: [(&str, &str); 11] = [
    ("n", "1"),
    ("logprobs", "false"),
    ("top_logprobs", "0"),
    ("presence_penalty", "0"),
    ("frequency_penalty", "0"),
    ("logit_bias", "{}"),
    ("parallel_tool_calls", "true"),
    ("response_format", r#"{"type":"text"}"#),
    ("store", "false"),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
];
/// Notes for the client's own records.
const NOTES: [&str; 4] = ["user", "metadata", "safety_identifier", "prompt_cache_key"];

/// A chat with an agent.
#[derive(Clone, Debug)]
pub(super) struct ChatQuestion {
    pub(super) agent: Arc<ServedAgent>,
    pub(super) tuning: Tuning,
    pub(super) mode: ToolsMode,
    /// The messages as the request has them.
    pub(super) asked: Vec<ChatMessage>,
    pub(super) messages: Vec<Message>,
    /// What a streamed answer has in addition; absent for a whole one.
    pub(super) streamed: Option<StreamOptions>,
}

impl ChatQuestion {
    /// Reads OpenAI's body, in which `model` names the agent and `agent_tools` says who calls the tools.
    ///
    /// # Errors
    /// Status 400 naming the field that is wrong, and 404 for an unknown agent.
    pub(super) fn read(app: &App, mut fields: Fields) -> Result<Self, Failure> {
        let model: Option<String> = fields.take("model")?;
        let agent = app.agent(model.as_deref().filter(|name| !name.is_empty()));
        let agent = agent.map_err(|failure| Failure { param: Some("model".to_owned()), ..failure })?;
        let asked: Vec<ChatMessage> = fields.take("messages")?.unwrap_or_default();
        if asked.is_empty() {
            return Err(Failure::field("messages", "found no messages, expected at least one"));
        }
        let messages = read_messages(&asked).map_err(|problem| Failure {
            param: Some(problem.place.clone()),
            ..Failure::new(400, problem.to_string())
        })?;
        let tuning = tuning(&mut fields)?;
        let mode = fields.take("agent_tools")?.unwrap_or(app.config.tools);
        let streamed = streamed(fields.take("stream")?, fields.take("stream_options")?)?;
        for (name, value) in NEUTRAL {
            let expected: Value = serde_json::from_str(value).unwrap_or_default();
            fields.neutral(name, &expected)?;
        }
        for name in NOTES {
            let _: Option<Value> = fields.take(name)?;
        }
        fields.finish()?;
        Ok(Self { agent, tuning, mode, asked, messages, streamed })
    }

    /// The run that the request continues: its last messages are results of calls of that run.
    pub(super) fn continued(&self) -> Option<&str> {
        let last = self.asked.last().filter(|message| message.role == MessageRole::Tool)?;
        let (run, _) = last.tool_call_id.as_deref()?.strip_prefix(CALL)?.rsplit_once('_')?;
        run.starts_with("run_").then_some(run)
    }

    /// Checks that the request repeats the conversation of a parked run and brings the result of each call once.
    ///
    /// # Errors
    /// Status 400 naming what differs: another conversation would get the answer of this one.
    pub(super) fn check(&self, parked: &ParkedRun) -> Result<(), Failure> {
        let scene = &parked.scene;
        let same = |name: &str, is_same: bool| {
            let message = "found another value than the run began with, expected the same one";
            if is_same { Ok(()) } else { Err(Failure::field(name, message)) }
        };
        same("model", scene.agent.name == self.agent.name)?;
        same("agent_tools", scene.mode == self.mode)?;
        same("sampling", scene.tuning == self.tuning)?;
        let (before, results) = self.asked.split_at(self.asked.len().min(parked.asked.len() + 1));
        let (reply, before) = before.split_last().ok_or_else(|| Failure::new(400, "messages: found none"))?;
        same("messages", before == parked.asked)?;
        let id = scene.run.id();
        let expected: Vec<String> = parked.calls.iter().map(|call| call_id(&id, call.id)).collect();
        let called: Vec<&str> = reply.calls().iter().map(|call| call.id.as_str()).collect();
        if reply.role != MessageRole::Assistant || called != expected {
            let place = format!("messages[{}].tool_calls", parked.asked.len());
            return Err(Failure::field(place, format_args!("expected the calls {}", expected.join(", "))));
        }
        let mut found: Vec<&str> =
            results.iter().filter_map(|result| result.tool_call_id.as_deref()).collect();
        let is_results = results.iter().all(|result| result.role == MessageRole::Tool);
        found.sort_unstable();
        let mut sorted: Vec<&str> = expected.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        if !is_results || found != sorted {
            let (found, sorted) = (found.join(", "), sorted.join(", "));
            let message = format!("found the results of {found}, expected one of each of {sorted}");
            return Err(Failure::field("messages", message));
        }
        Ok(())
    }

    /// The results for the calls of a run that [`ChatQuestion::check`] has agreed to, in the order of the calls.
    pub(super) fn results(&self, run: &str, calls: &[OpenCall]) -> Vec<Event> {
        let event = |call: &OpenCall| {
            let id = Some(call_id(run, call.id));
            let result = self.asked.iter().rev().find(|message| message.tool_call_id == id)?;
            let value = ActionReturn::text(&call.name, call.args.clone(), result.text());
            Some(Event::Tool { call: call.id, outcome: ToolOutcome { value, milliseconds: 0 } })
        };
        calls.iter().filter_map(event).collect()
    }
}

/// The id of a call, by which its result finds the run.
pub(super) fn call_id(run: &str, call: u64) -> String {
    format!("{CALL}{run}_{call}")
}

/// The calls of an answer in OpenAI's form.
pub(super) fn written_calls(run: &str, calls: &[OpenCall]) -> Vec<Value> {
    let written = calls.iter().map(|call| {
        let function = json!({ "name": call.name, "arguments": call.args.to_string() });
        json!({ "id": call_id(run, call.id), "type": "function", "function": function })
    });
    written.collect()
}

/// What a stream contains in addition; nothing when the answer is sent as a whole.
fn streamed(stream: Option<bool>, options: Option<StreamOptions>) -> Result<Option<StreamOptions>, Failure> {
    match (stream, options) {
        (Some(true), Some(StreamOptions { continuous_usage_stats: true, .. })) => {
            let message = "found true, expected false: the usage is known at the end";
            Err(Failure::field("stream_options.continuous_usage_stats", message))
        }
        (Some(true), options) => Ok(Some(options.unwrap_or_default())),
        (_, None) => Ok(None),
        (_, Some(_)) => {
            Err(Failure::field("stream_options", "expected the field to be absent without `stream: true`"))
        }
    }
}

#[cfg(test)]
mod tests;
