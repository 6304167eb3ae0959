//! lmdeploy's engine in this process.

use super::{Answering, Model, ModelConfig, Profile, Request};
use crate::{Error, Result};

/// A model in this process.
#[derive(Debug)]
pub struct LocalModel {
    profile: Profile,
}

impl LocalModel {
    /// Loads the weights of `config`.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn load(config: &ModelConfig) -> Result<Self> {
        let message = "kind: local models are not available yet".to_owned();
        Err(Error::Model { model: config.name.clone(), message })
    }
}

impl Model for LocalModel {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn answer<'a>(&'a self, _request: &'a Request) -> Answering<'a> {
        Box::pin(async { Err(Error::Answer("local models are not available yet".to_owned())) })
    }
}
