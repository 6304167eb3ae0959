//! [`AgentRequest`]: a question to an agent, in lagent's form.

use serde::Serialize;
use serde_json::Value;

use super::Tuning;
use crate::message::AgentMessage;

/// Body of `POST /chat_completion` and `POST /v1/runs`.
///
/// ```
/// use lagent::client::AgentRequest;
///
/// let request = AgentRequest::new(["What is 2 + 2?"]).with_session(7);
/// let json = serde_json::to_value(&request)?;
/// assert_eq!((&json["message"][0]["content"], &json["session_id"]), (&"What is 2 + 2?".into(), &7.into()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentRequest {
    /// The new messages; earlier ones of the session are known to the server.
    pub message: Vec<AgentMessage>,
    /// Number or text that names the conversation. Default: 0, as in lagent.
    pub session_id: Value,
    /// Name of the agent. Default: the first one of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Sampling settings of this request, written next to the other fields.
    #[serde(flatten)]
    pub tuning: Tuning,
}

impl AgentRequest {
    /// Creates a request of user messages for session 0 of the server's first agent.
    #[must_use]
    pub fn new<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        let message = texts.into_iter().map(|text| AgentMessage::new("user", text.into())).collect();
        Self { message, session_id: Value::from(0), agent: None, tuning: Tuning::default() }
    }

    /// Sets the number or text that names the conversation.
    #[must_use]
    pub fn with_session(self, session: impl Into<Value>) -> Self {
        Self { session_id: session.into(), ..self }
    }

    /// Sets the name of the agent.
    #[must_use]
    pub fn with_agent(self, agent: impl Into<String>) -> Self {
        Self { agent: Some(agent.into()), ..self }
    }

    /// Sets the sampling settings of this request.
    #[must_use]
    pub fn with_tuning(self, tuning: Tuning) -> Self {
        Self { tuning, ..self }
    }
}
