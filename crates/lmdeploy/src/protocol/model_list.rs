//! `GET /v1/models` and `GET /health`.

use serde::{Deserialize, Serialize};

/// The models of a server.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ModelList {
    /// `list`.
    #[serde(default)]
    pub object: String,
    /// The models.
    pub data: Vec<ModelInfo>,
}

/// One model.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ModelInfo {
    /// The name requests use.
    pub id: String,
    /// `model`.
    #[serde(default)]
    pub object: String,
    /// Unix seconds of the server's start.
    #[serde(default)]
    pub created: u64,
    /// Who serves it.
    #[serde(default)]
    pub owned_by: String,
    /// Longest prompt plus answer in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_model_len: Option<u64>,
}

/// What `/health` says.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct HealthStatus {
    /// `healthy`, `draining` or `unhealthy`.
    pub status: String,
    /// Why, for people.
    #[serde(default)]
    pub message: String,
}
