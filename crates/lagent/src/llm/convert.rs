//! Between an agent's messages and the OpenAI-shaped protocol.

use internlm_model::chat::openai::{read_reply_call, write_messages};
use lmdeploy::protocol::{ChatRequest, FinishReason, ToolCall, ToolDefinition};
use serde_json::Value;

use super::ModelRequest;
use crate::run::{FailureKind, Finish, ModelOutcome};

/// The request for `model`.
///
/// # Errors
/// What is wrong with the fields that constrain the reply.
pub(super) fn request(model: &str, request: ModelRequest<'_>) -> Result<ChatRequest, String> {
    let tools: Vec<ToolDefinition> = request
        .tools
        .iter()
        .map(|tool| ToolDefinition::function(&tool.name, &tool.description, tool.parameters.clone()))
        .collect();
    let params = request.params;
    let sampled = params.temperature > 0.0;
    let mut body = ChatRequest::new(write_messages(request.messages))
        .with_model(model)
        .with_temperature(params.temperature)
        .with_max_tokens(params.max_tokens);
    body.tools = (!tools.is_empty()).then_some(tools);
    body.top_p = sampled.then_some(params.top_p);
    body.seed = sampled.then_some(params.seed);
    let fields = match request.grammar {
        None => None,
        Some(Value::Object(fields)) => Some(fields),
        Some(other) => return Err(format!("grammar: found {other}, expected an object")),
    };
    for (key, value) in fields.into_iter().flatten() {
        match key.as_str() {
            "response_format" => {
                let format = serde_json::from_value(value.clone());
                body.response_format = Some(format.map_err(|error| format!("{key}: {error}"))?);
            }
            "tool_choice" => body.tool_choice = Some(value.clone()),
            "parallel_tool_calls" => {
                let several = value.as_bool();
                let several =
                    several.ok_or_else(|| format!("{key}: found {value}, expected true or false"))?;
                body.parallel_tool_calls = Some(several);
            }
            other => {
                let expected = "expected response_format, tool_choice or parallel_tool_calls";
                return Err(format!("grammar: found `{other}`, {expected}"));
            }
        }
    }
    Ok(if params.stop.is_empty() { body } else { body.with_stop(&params.stop) })
}

/// The outcome of a request that could not be made.
pub(super) fn not_sent(message: String) -> ModelOutcome {
    ModelOutcome::Failed { kind: FailureKind::Rejected, message, milliseconds: 0 }
}

/// What came back, taken apart.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) content: String,
    pub(super) calls: Vec<ToolCall>,
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
            calls: self.calls.iter().map(read_reply_call).collect(),
            finish,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            milliseconds,
        }
    }
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
        lmdeploy::Error::Unreachable { .. } | lmdeploy::Error::Connection { .. } => FailureKind::Network,
        lmdeploy::Error::Answer { .. } => FailureKind::Malformed,
        _ => FailureKind::Rejected,
    };
    ModelOutcome::Failed { kind, message: error.to_string(), milliseconds }
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::{Channel, Message, ToolCall};
    use serde_json::json;

    use super::*;
    use crate::action::ToolSpec;
    use crate::run::Sampling;

    /// The body of a request without tools.
    fn body(params: &Sampling, grammar: Option<&Value>) -> Result<Value, String> {
        let asked = ModelRequest { messages: &[Message::user("q")], tools: &[], params, grammar };
        request("m", asked).map(|body| serde_json::to_value(body).expect("serializes"))
    }

    #[test]
    fn a_conversation_with_calls_keeps_its_shape() {
        let history = [
            Message::user("q"),
            Message::assistant("t").with_calls(vec![
                ToolCall::new(Channel::Plugin, "not json"),
                ToolCall::new(Channel::Plugin, r#"{"name": "T", "parameters": {"a": 1}}"#).with_id("x"),
            ]),
            Message::environment(Channel::Plugin, "error"),
            Message::environment(Channel::Plugin, "2"),
        ];
        let tools = [ToolSpec::with_texts("T", "d", &["a"])];
        let params = Sampling::default();
        let asked = ModelRequest { messages: &history, tools: &tools, params: &params, grammar: None };
        let converted = request("m", asked).expect("nothing is constrained");
        let json = serde_json::to_string(&converted).expect("serializes");
        let expected = concat!(
            r#"{"model":"m","messages":[{"role":"user","content":"q"},"#,
            r#"{"role":"assistant","content":"t","tool_calls":["#,
            r#"{"id":"call_0","type":"function","function":{"name":"<|plugin|>","arguments":"not json"}},"#,
            r#"{"id":"x","type":"function","function":{"name":"T","arguments":"{\"a\":1}"}}]},"#,
            r#"{"role":"tool","content":"error","tool_call_id":"call_0"},"#,
            r#"{"role":"tool","content":"2","tool_call_id":"x"}],"#,
            r#""tools":[{"type":"function","function":{"name":"T","description":"d","parameters":"#,
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}],"#,
            r#""temperature":0.0,"max_tokens":512}"#,
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn texts_that_end_a_reply_are_sent() {
        let params = Sampling { stop: vec!["\nResponse:".to_owned()], ..Sampling::default() };
        assert_eq!(body(&params, None).expect("a body")["stop"], json!(["\nResponse:"]));
    }

    #[test]
    fn constraints_are_sent_or_refused_by_name() {
        let params = Sampling::default();
        let format = json!({"type": "grammar", "grammar": "start: /.*/"});
        let fields = json!({"response_format": format, "tool_choice": "auto", "parallel_tool_calls": false});
        let sent = body(&params, Some(&fields)).expect("a body");
        assert_eq!((&sent["response_format"], &sent["tool_choice"]), (&format, &json!("auto")));
        assert_eq!(sent["parallel_tool_calls"], false);
        let error = body(&params, Some(&json!({"parallel_tool_calls": 1}))).expect_err("not a boolean");
        assert_eq!(error, "parallel_tool_calls: found 1, expected true or false");
        let error =
            body(&params, Some(&json!({"response_format": {"type": "x"}}))).expect_err("unknown type");
        assert!(error.starts_with("response_format: ") && error.contains("`x`"), "{error}");
        let error = body(&params, Some(&json!({"regex": "x"}))).expect_err("unknown field");
        assert_eq!(
            error,
            "grammar: found `regex`, expected response_format, tool_choice or parallel_tool_calls"
        );
    }
}
