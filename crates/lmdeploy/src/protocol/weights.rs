//! `POST /update_weights`: where the weights are, and that they are in place.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[cfg(feature = "server")]
use super::request_fields::{RequestFields, Row, Treatment};

/// Body of a request to compute with other weights from now on.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UpdateWeightsRequest {
    /// Model folder or GGUF file on the machine of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The same under the name of other servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_path: Option<String>,
    /// Tensors in upstream's serialization, which this server does not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serialized_named_tensors: Option<Value>,
}

impl UpdateWeightsRequest {
    /// A request to load the model folder or GGUF file at `path`, as the server's machine names it.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }
}

/// The answer of `/update_weights`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct WeightsUpdated {
    /// Always true: what fails is answered with an error status.
    pub success: bool,
    /// Where the weights came from, in words for people.
    #[serde(default)]
    pub message: String,
}

#[cfg(feature = "server")]
impl RequestFields for UpdateWeightsRequest {
    const SHARED: &'static [&'static [Row]] = &[];
    const OWN: &'static [Row] = &[
        ("path", Treatment::Used),
        ("model_path", Treatment::Used),
        ("serialized_named_tensors", Treatment::Used),
        ("load_format", Treatment::Harmless("the format of files is read from the files")),
        ("finished", Treatment::Harmless("there is one request for all tensors")),
    ];
}
