//! `GET /v1/models`, `GET /health`, `GET /version`, `GET /load`, `GET /is_sleeping`; the last is also the answer of
//! `POST /sleep` and `POST /wakeup`.

use serde::{Deserialize, Serialize};

/// The models that a server offers.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ModelList {
    /// Kind of the body: always `list`.
    #[serde(default)]
    pub object: String,
    /// One entry for each name; this server has one model.
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
    /// The model that this one was made from; of a model that was not made from another, its own name.
    #[serde(default)]
    pub root: Option<String>,
    /// The model whose adapter this one is; always null here.
    #[serde(default)]
    pub parent: Option<String>,
    /// What clients may do with it; OpenAI's API had this once, and old clients still read it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permission: Vec<ModelPermission>,
}

/// What clients may do with a model.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct ModelPermission {
    /// A name of this entry, beginning with `modelperm-`.
    pub id: String,
    /// Kind of the entry: always `model_permission`.
    pub object: String,
    /// When the server started, in Unix seconds.
    pub created: u64,
    /// Whether clients may create engines; they may not.
    pub allow_create_engine: bool,
    /// Whether answers may be sampled, which is what the server is for.
    pub allow_sampling: bool,
    /// Whether answers may have log-probabilities.
    pub allow_logprobs: bool,
    /// Whether the routes of OpenAI's former search exist; they do not.
    pub allow_search_indices: bool,
    /// Whether clients may look at the model.
    pub allow_view: bool,
    /// Whether clients may train the model; they may not.
    pub allow_fine_tuning: bool,
    /// Whose members this is about: `*`, everybody.
    pub organization: String,
    /// Group of the organization; always null here.
    pub group: Option<String>,
    /// Whether others are shut out; false.
    pub is_blocking: bool,
}

impl ModelPermission {
    /// What every client of a server may do with the model `name` since `created`: ask it, and look at it.
    #[must_use]
    pub fn new(name: &str, created: u64) -> Self {
        Self {
            id: format!("modelperm-{name}"),
            object: "model_permission".to_owned(),
            created,
            allow_sampling: true,
            allow_logprobs: true,
            allow_view: true,
            organization: "*".to_owned(),
            ..Self::default()
        }
    }
}

/// The answer of `/load`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ServerLoad {
    /// Number of inference requests that run or wait.
    pub server_load: u64,
}

/// The answer of `/health`; its HTTP status is 200 or 503.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct HealthStatus {
    /// One of `healthy`, `sleeping`, `draining` and `unhealthy`.
    pub status: String,
    /// The reason, in words for people: while sleeping, what is released; empty when healthy.
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

/// The answer of `/is_sleeping`, `/sleep` and `/wakeup`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SleepStatus {
    /// Whether weights or cache are released; requests are refused until both are back.
    pub is_sleeping: bool,
    /// What is released, `weights` before `kv_cache`; left out while it is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sleeping_tags: Vec<String>,
    /// Tags of the request that had no effect; left out when all of them had one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
}
