//! `GET /v1/models` and `GET /health`.

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
