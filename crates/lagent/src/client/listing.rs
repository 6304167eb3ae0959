//! What the server lists: agents, runs, its own health.

use internlm_kit::sandbox::Level;
use serde::{Deserialize, Serialize};

use super::RunInfo;
use crate::action::ToolSpec;

/// One agent of a server.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentInfo {
    /// Name of the agent, which requests put into `agent` or `model`.
    pub id: String,
    /// Kind of the entry: always `agent`.
    pub object: String,
    /// Name of the model behind the agent, as the model's server lists it.
    pub model: String,
    /// Definitions of the tools that the agent may call.
    pub tools: Vec<ToolSpec>,
    /// Weakest sandbox level among the tools; absent if they run no code.
    #[serde(default)]
    pub sandbox: Option<Level>,
}

/// Answer of `GET /v1/agents`, the first agent first.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AgentList {
    /// Kind of the body: always `list`.
    pub object: String,
    /// The agents in the order in which the server got them.
    pub data: Vec<AgentInfo>,
}

/// Answer of `GET /v1/runs`, the oldest run first.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RunList {
    /// Kind of the body: always `list`.
    pub object: String,
    /// The runs of the caller that the server still knows.
    pub data: Vec<RunInfo>,
}

/// Answer of `GET /health_check`, as lagent writes it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HealthCheck {
    /// `success`, or `draining` with status 503 while the server stops.
    pub status: String,
    /// Time of the answer in Unix seconds.
    pub timestamp: f64,
}

/// Answer of `DELETE /memory/{session_id}`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Forgotten {
    /// The session as the path named it.
    pub session_id: String,
    /// Always true: an unknown session is an error.
    pub deleted: bool,
}
