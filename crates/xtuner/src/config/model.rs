//! [`BaseModelConfig`]: the table `[model]`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The model that is tuned, and how.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BaseModelConfig {
    /// Folder or GGUF file of the model. Upstream: `pretrained_model_name_or_path`.
    pub path: PathBuf,
    /// Which parameters are trained: `full`, `lora`, `qlora` or `dora`.
    pub method: Method,
    /// With `method = "full"`: the modules that are trained, by name suffix such as `["layers.23", "output"]`; all
    /// others are frozen. Default: everything is trained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trained: Vec<String>,
}

/// Which parameters of the model are trained.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// All parameters of the model.
    Full,
    /// Those of low-rank adapters, and the modules that `[lora]` names.
    Lora,
    /// Low-rank adapters over weights of 4 bits: `lora` with `lora.base = "nf4-double"`, unless `[lora]` names another
    /// packed format.
    Qlora,
    /// Low-rank adapters with magnitudes: `lora` with `lora.dora = true`.
    Dora,
}

impl BaseModelConfig {
    /// The model in the folder or GGUF file `path`, of which `method` says what is trained.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, method: Method) -> Self {
        Self { path: path.into(), method, trained: Vec::new() }
    }
}
