//! [`Tuned`]: the sizes of the model that a run trains, with its method applied.

use std::collections::BTreeMap;

use burn::module::Module;
use internlm_model::ModelConfig;
use internlm_model::linear::Linear;
use internlm_model::parameter::Training;
use internlm_model::weights::names;
use internlm_train::memory::TrainedShape;

use crate::config::{FinetuneConfig, ObjectiveConfig};
use crate::{Error, Result, reward, setup};

/// The trained model of a run without its numbers.
pub(super) struct Tuned {
    /// What training it takes.
    pub(super) shape: TrainedShape,
    /// Number of trained weights of the model itself, adapters apart: those that a reference has a copy of.
    pub(super) copied: u64,
    /// Number of weights of the matrices under adapters or in codes, which are merged into new ones.
    pub(super) merged: u64,
}

impl Tuned {
    /// A model with the config `model` as `config` tunes it.
    ///
    /// # Errors
    /// Settings that do not fit the model.
    pub(super) fn of(config: &FinetuneConfig, model: &ModelConfig) -> Result<Self> {
        let tuning = match &config.objective {
            ObjectiveConfig::Reward(_) => reward::with_value_head_trained(config),
            _ => config.clone(),
        };
        let sizes: BTreeMap<String, u64> = names::expected(model)
            .into_iter()
            .map(|(name, shape)| (name, shape.iter().product::<usize>() as u64))
            .collect();
        let size = |name: &str| sizes.get(name).copied().unwrap_or(0);
        let (mut copied, mut merged) = (0, 0);
        let shape = TrainedShape::of(model, |twin| {
            let mut twin = setup::tuned(twin, &tuning)?;
            // Only in training mode does a parameter say whether it learns.
            for (name, parameter) in twin.clone().train().parameters() {
                if parameter.training() == Training::Trained {
                    copied += size(&name);
                }
            }
            for (name, linear) in twin.linears_mut() {
                if !matches!(linear, Linear::Dense(_)) {
                    merged += size(&format!("{name}.weight"));
                }
            }
            Ok::<_, Error>(twin)
        })?;
        Ok(Self { shape, copied, merged })
    }
}
