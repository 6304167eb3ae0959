//! Between an agent's messages and the OpenAI-shaped protocol.

use std::collections::VecDeque;

use internlm_model::chat::{Channel, Message, Role, ToolCall};
use lmdeploy::protocol::{
    ChatMessage, ChatRequest, Content, FinishReason, FunctionCall, MessageRole, ToolCall as ApiCall,
    ToolDefinition,
};
use serde_json::Value;

use super::ModelRequest;
use crate::run::{FailureKind, Finish, ModelOutcome};

/// The request for `model`.
pub(super) fn request(model: &str, request: ModelRequest<'_>) -> ChatRequest {
    let tools: Vec<ToolDefinition> = request
        .tools
        .iter()
        .map(|tool| ToolDefinition::function(&tool.name, &tool.description, tool.parameters.clone()))
        .collect();
    let params = request.params;
    let sampled = params.temperature > 0.0;
    ChatRequest {
        model: model.to_owned(),
        messages: messages(request.messages),
        tools: (!tools.is_empty()).then_some(tools),
        temperature: Some(params.temperature),
        top_p: sampled.then_some(params.top_p),
        seed: sampled.then_some(params.seed),
        max_tokens: Some(params.max_tokens),
        ..ChatRequest::default()
    }
}

/// Calls get ids by their place in the conversation, so the same conversation gives the same request.
fn messages(history: &[Message]) -> Vec<ChatMessage> {
    let mut count = 0;
    // Of the calls of the last reply, in order: the id, or nothing when the call is sent as text.
    let mut open: VecDeque<Option<String>> = VecDeque::new();
    let convert = |message: &Message| {
        let name = message.channel.map(|channel| channel.name().to_owned());
        match message.role {
            Role::System => ChatMessage { name, ..ChatMessage::system(&message.content) },
            Role::User => ChatMessage { name, ..ChatMessage::user(&message.content) },
            Role::Assistant => {
                let (converted, ids) = assistant(message, &mut count);
                open = ids.into();
                converted
            }
            Role::Environment => match open.pop_front().flatten() {
                Some(id) => ChatMessage::tool(id, &message.content),
                None => ChatMessage { name, ..ChatMessage::new(MessageRole::Environment, &message.content) },
            },
        }
    };
    history.iter().map(convert).collect()
}

/// A reply: plugin calls that are understood become `tool_calls`, others stay text with their marks.
fn assistant(message: &Message, count: &mut usize) -> (ChatMessage, Vec<Option<String>>) {
    let mut text = message.content.clone();
    let (mut calls, mut ids) = (Vec::new(), Vec::new());
    for call in &message.calls {
        match function(call) {
            Some(function) => {
                let id = format!("call_{count}");
                *count += 1;
                calls.push(ApiCall { id: id.clone(), kind: "function".to_owned(), function });
                ids.push(Some(id));
            }
            None => {
                let channel = call.channel.name();
                text.push_str(&format!("<|action_start|>{channel}\n{}<|action_end|>", call.body));
                ids.push(None);
            }
        }
    }
    let content = (!text.is_empty() || calls.is_empty()).then_some(Content::Text(text));
    let tool_calls = (!calls.is_empty()).then_some(calls);
    (ChatMessage { role: MessageRole::Assistant, content, tool_calls, ..ChatMessage::default() }, ids)
}

fn function(call: &ToolCall) -> Option<FunctionCall> {
    if call.channel != Channel::Plugin {
        return None;
    }
    let body: Value = serde_json::from_str(&call.body).ok()?;
    let name = body.get("name")?.as_str()?.to_owned();
    let arguments = body.get("parameters").or_else(|| body.get("arguments"));
    let arguments = arguments.map_or("{}".to_owned(), Value::to_string);
    Some(FunctionCall { name, arguments })
}

/// What came back, taken apart.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) content: String,
    pub(super) calls: Vec<FunctionCall>,
    pub(super) finish: Option<FinishReason>,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
}

impl Reply {
    /// The outcome for the agent.
    pub(super) fn outcome(self, milliseconds: u64) -> ModelOutcome {
        let failed =
            |kind, message: &str| ModelOutcome::Failed { kind, message: message.to_owned(), milliseconds };
        let finish = match self.finish {
            Some(FinishReason::Length) => Finish::Length,
            Some(FinishReason::Abort) => return failed(FailureKind::Server, "the server aborted the reply"),
            Some(FinishReason::Error) => {
                return failed(FailureKind::Server, "the server failed on the reply");
            }
            _ => Finish::Stop,
        };
        ModelOutcome::Reply {
            content: self.content,
            calls: self.calls.iter().map(tool_call).collect(),
            finish,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            milliseconds,
        }
    }
}

/// The call's body as the model wrote it, as far as the protocol keeps it.
fn tool_call(call: &FunctionCall) -> ToolCall {
    let name = Value::from(call.name.as_str());
    let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
    ToolCall { channel: Channel::Plugin, body: format!(r#"{{"name": {name}, "parameters": {arguments}}}"#) }
}

/// The outcome of a request that failed.
pub(super) fn failure(error: &lmdeploy::Error, milliseconds: u64) -> ModelOutcome {
    let kind = match error {
        lmdeploy::Error::Status { status: 401 | 403, .. } => FailureKind::Auth,
        lmdeploy::Error::Status { status: 429, .. } => FailureKind::Quota,
        lmdeploy::Error::Status { status: 400..=499, message, .. } if message.contains("context") => {
            FailureKind::ContextLength
        }
        lmdeploy::Error::Status { status: 400..=499, .. } => FailureKind::Rejected,
        lmdeploy::Error::Status { .. } => FailureKind::Server,
        lmdeploy::Error::Connection { .. } => FailureKind::Network,
        lmdeploy::Error::Answer { .. } => FailureKind::Malformed,
        _ => FailureKind::Rejected,
    };
    ModelOutcome::Failed { kind, message: error.to_string(), milliseconds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::ToolSpec;
    use crate::run::Sampling;

    #[test]
    fn a_conversation_with_calls_keeps_its_shape() {
        let call = |channel, body: &str| ToolCall { channel, body: body.to_owned() };
        let history = [
            Message::user("q"),
            Message::assistant("t").with_calls(vec![
                call(Channel::Plugin, "not json"),
                call(Channel::Plugin, r#"{"name": "T", "parameters": {"a": 1}}"#),
            ]),
            Message::environment(Channel::Plugin, "error"),
            Message::environment(Channel::Plugin, "2"),
        ];
        let tool = ToolSpec::with_texts("T", "d", &["a"]);
        let params = Sampling::default();
        let converted = request("m", ModelRequest { messages: &history, tools: &[tool], params: &params });
        let json = serde_json::to_string(&converted).expect("serializes");
        let expected = concat!(
            r#"{"model":"m","messages":[{"role":"user","content":"q"},"#,
            r#"{"role":"assistant","content":"t<|action_start|><|plugin|>\nnot json<|action_end|>","tool_calls":"#,
            r#"[{"id":"call_0","type":"function","function":{"name":"T","arguments":"{\"a\":1}"}}]},"#,
            r#"{"role":"environment","content":"error","name":"<|plugin|>"},"#,
            r#"{"role":"tool","content":"2","tool_call_id":"call_0"}],"#,
            r#""tools":[{"type":"function","function":{"name":"T","description":"d","parameters":"#,
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}],"#,
            r#""temperature":0.0,"max_tokens":512}"#,
        );
        assert_eq!(json, expected);
    }
}
