//! `config.json` of the Hugging Face forms <-> [`ModelConfig`].

use std::path::Path;

use super::ModelConfig;
use crate::{Error, Result};

impl ModelConfig {
    /// Reads a Hugging Face `config.json`, or the one inside a model folder.
    ///
    /// # Errors
    /// The file is missing, malformed, of an unknown architecture, or its values do not fit together.
    pub fn from_hf(path: &Path) -> Result<Self> {
        Err(Error::Invalid(format!("{}: not yet", path.display())))
    }

    /// The `config.json` of this model in its own family's form, unknown keys included.
    #[must_use]
    pub fn to_hf_json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}
