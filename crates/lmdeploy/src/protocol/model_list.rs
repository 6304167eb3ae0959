//! `GET /v1/models`, `GET /health`, `GET /version`, `GET /is_sleeping`.

use serde::{Deserialize, Serialize};

/// The models that a server offers.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ModelList {
    /// Kind of the body: always `list`.
    #[serde(default)]
    pub object: String,
    /// One entry per model; this server has one.
    pub data: Vec<ModelInfo>,
}

/// One model of a server.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ModelInfo {
    /// What requests put into `model` to be answered by it.
    pub id: String,
    /// Kind of the entry: always `model`.
    #[serde(default)]
    pub object: String,
    /// When the server started, in Unix seconds.
    #[serde(default)]
    pub created: u64,
    /// Name of the serving software.
    #[serde(default)]
    pub owned_by: String,
    /// Maximum length of prompt and answer together, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_model_len: Option<u64>,
}

/// The answer of `/health`; its HTTP status is 200 or 503.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct HealthStatus {
    /// One of `healthy`, `draining` and `unhealthy`.
    pub status: String,
    /// The reason, in words for people; empty when healthy.
    #[serde(default)]
    pub message: String,
}

/// The answer of `/version`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Version {
    /// Version of the serving software.
    pub version: String,
    /// Commit that it was built from, when the build knew it.
    #[serde(default)]
    pub git: Option<String>,
}

/// The answer of `/is_sleeping`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SleepStatus {
    /// Whether weights and cache have been released.
    pub is_sleeping: bool,
}
