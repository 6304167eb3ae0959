//! Connects the models of a run file.

#[cfg(feature = "local")]
use super::LocalModel;
use super::{ApiModel, EvaluatedModelConfig, MockModel, Model, ModelKind, Needs, PerspectiveModel};
use crate::Result;

/// Connects to the server of a model, loads it, or creates it from its rule.
///
/// # Errors
/// [`Error::Unreachable`](crate::Error::Unreachable) when the server does not answer;
/// [`Error::Model`](crate::Error::Model) when the model cannot be used as `config` describes it;
/// [`Error::Weights`](crate::Error::Weights) when its files cannot be read.
pub async fn connect(config: &EvaluatedModelConfig, needs: Needs) -> Result<Box<dyn Model>> {
    Ok(match config.kind {
        ModelKind::Api => Box::new(ApiModel::connect(config, needs).await?),
        ModelKind::Mock => Box::new(MockModel::from_config(config)),
        ModelKind::Perspective => Box::new(PerspectiveModel::new(config)?),
        #[cfg(feature = "local")]
        ModelKind::Local => Box::new(LocalModel::load(config)?),
        #[cfg(not(feature = "local"))]
        ModelKind::Local => {
            let message = "kind: found local, expected a build with the feature `local`".to_owned();
            return Err(crate::Error::Model { model: config.name.clone(), message });
        }
    })
}
