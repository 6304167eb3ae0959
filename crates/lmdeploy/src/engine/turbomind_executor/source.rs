//! [`Source`]: which files an executor computes with, and how they are loaded again.

use std::fmt;
use std::path::PathBuf;

use internlm_model::ModelConfig;
use internlm_model::weights::{self, StoredModel};

use crate::Result;
use crate::engine::same_shape::same_shape;

/// A model and the settings that it was loaded with.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The model folder or file.
    pub(super) path: PathBuf,
    pub(super) config: turbomind::EngineConfig,
    /// The shape of the model.
    pub(super) model: ModelConfig,
}

/// The files of a model, mapped into memory. They take none before they are read.
pub(super) struct OpenFiles(StoredModel);

impl Source {
    /// Opens the files without reading more than their headers.
    pub(super) fn open(&self) -> Result<OpenFiles> {
        Ok(OpenFiles(weights::open_stored(&self.path)?))
    }

    /// Loads the weights of open files, with as small a cache as there is.
    ///
    /// # Errors
    /// The files cannot be read, or the model has another shape by now.
    pub(super) fn load(&self, files: &OpenFiles) -> Result<turbomind::Engine> {
        same_shape(&self.model, &files.0.config)?;
        Ok(turbomind::Engine::load_stored(&files.0, &self.path, &self.config)?)
    }
}

impl fmt::Debug for OpenFiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OpenFiles").finish_non_exhaustive()
    }
}
