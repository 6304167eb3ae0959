//! Random values of a new model: the deviations of its three kinds of matrices.

use burn::tensor::Device;
use internlm_kit::config::Validate;
use internlm_model::ModelConfig;
use internlm_model::decoder::Decoder;
use internlm_model::parameter::ParameterMut;
use serde::{Deserialize, Serialize};

/// The deviation that [`Decoder::init`] draws every matrix with.
const DRAWN: f64 = 0.02;

/// Standard deviations of the matrices of a new model; the defaults are those of InternLM2.
///
/// Adam moves every weight by about the learning rate, whatever its size. Narrow models learn faster when that
/// is a small share of a weight: 1 / sqrt(hidden) for the blocks, more for the embedding, and less for the
/// output, so that the first predictions are even.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InitConfig {
    /// Matrices of the blocks, default 0.02; `wo` and `w2` of layer l are divided by sqrt(2 (l + 1)).
    /// Upstream: `init_std`, 0.02.
    #[serde(default = "drawn")]
    pub std: f64,
    /// Embedding, default 0.02. Upstream: `embed_init_std`, 0.02.
    #[serde(default = "drawn")]
    pub embedding_std: f64,
    /// Output matrix, default 0.02; a tied one is the embedding. Upstream: `out_head_init_std`, 0.02.
    #[serde(default = "drawn")]
    pub output_std: f64,
}

fn drawn() -> f64 {
    DRAWN
}

impl Default for InitConfig {
    fn default() -> Self {
        Self { std: DRAWN, embedding_std: DRAWN, output_std: DRAWN }
    }
}

impl Validate for InitConfig {
    fn problems(&self) -> Vec<String> {
        let keys =
            [("std", self.std), ("embedding-std", self.embedding_std), ("output-std", self.output_std)];
        let wrong = keys.into_iter().filter(|(_, value)| !(*value > 0.0 && value.is_finite()));
        wrong.map(|(key, value)| format!("init.{key}: found {value}, expected more than 0")).collect()
    }
}

impl InitConfig {
    /// A new model: a pure function of shape, seed and deviations.
    #[must_use]
    pub fn decoder(&self, model: &ModelConfig, seed: u64, device: &Device) -> Decoder {
        let mut decoder = Decoder::init(model, seed, device);
        for (name, mut parameter) in decoder.parameters_mut() {
            let std = match name.as_str() {
                "model.tok_embeddings.weight" => self.embedding_std,
                "output.weight" => self.output_std,
                _ => self.std,
            };
            if matches!(parameter, ParameterMut::Matrix(_)) && std != DRAWN {
                parameter.update(|values| values.mul_scalar(std / DRAWN));
            }
        }
        decoder
    }
}

#[cfg(test)]
mod tests {
    use internlm_model::ModelSize;

    use super::*;

    #[test]
    fn every_parameter_of_a_new_model_learns() {
        let size = ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 40 };
        let model = ModelConfig::new(size);
        let init = InitConfig { std: 0.125, embedding_std: 0.5, output_std: 0.01 };
        let decoder = init.decoder(&model, 3, &Device::flex());
        let trainer = crate::Trainer::new(model.clone(), decoder, crate::TrainerConfig::new(1, 1e-3));
        let trainer = trainer.expect("a trainer");
        let trained: usize = trainer.parameters().iter().map(|info| info.elements()).sum();
        assert_eq!(u64::try_from(trained).expect("a count"), model.parameters());
    }

    #[test]
    fn deviations_are_those_asked_for() {
        let size = ModelSize { hidden: 64, layers: 1, heads: 2, inter: 128, vocab: 256 };
        let model = ModelConfig::new(size);
        let init = InitConfig { std: 0.125, embedding_std: 0.5, output_std: 0.01 };
        let decoder = init.decoder(&model, 3, &Device::flex());
        for (name, parameter) in decoder.parameters() {
            let values = parameter.to_vec();
            let square =
                values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / values.len() as f64;
            let expected = match name.as_str() {
                "model.tok_embeddings.weight" => 0.5,
                "output.weight" => 0.01,
                name if name.ends_with("norm.weight") => 1.0,
                name if name.ends_with("wo.weight") || name.ends_with("w2.weight") => 0.125 / 2.0_f64.sqrt(),
                _ => 0.125,
            };
            assert!((square.sqrt() / expected - 1.0).abs() < 0.03, "{name}: {} {expected}", square.sqrt());
        }
    }
}
