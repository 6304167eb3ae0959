//! Where the tensors of a new decoder come from: random numbers or stored weights.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use internlm_kit::rng::CounterRng;
use rayon::prelude::*;

use crate::attention::Attention;
use crate::block::Block;
use crate::config::ModelConfig;
use crate::feed_forward::FeedForward;
use crate::linear::Linear;
use crate::norm::RmsNorm;
use crate::weights::TensorSource;
use crate::{Error, Result};

/// Makes tensors by checkpoint name.
pub(crate) struct Builder<'a> {
    origin: Origin<'a>,
    device: &'a Device,
}

enum Origin<'a> {
    Random { seed: u64 },
    Stored(&'a dyn TensorSource),
}

impl<'a> Builder<'a> {
    /// Matrices from N(0, std), vectors constant.
    pub(crate) fn random(seed: u64, device: &'a Device) -> Self {
        Self { origin: Origin::Random { seed }, device }
    }

    /// Tensors of a checkpoint.
    pub(crate) fn stored(source: &'a dyn TensorSource, device: &'a Device) -> Self {
        Self { origin: Origin::Stored(source), device }
    }

    /// A matrix; `std` is the deviation of random values.
    pub(crate) fn matrix(&self, name: &str, shape: [usize; 2], std: f64) -> Result<Tensor<2>> {
        let values = match &self.origin {
            Origin::Random { seed } => {
                let rng = CounterRng::new(*seed, name);
                let count = (shape[0] * shape[1]) as u64;
                (0..count).into_par_iter().map(|counter| (std * rng.normal(counter)) as f32).collect()
            }
            Origin::Stored(source) => read(*source, name, shape[0] * shape[1])?,
        };
        Ok(Tensor::from_data(TensorData::new(values, shape), self.device))
    }

    /// A vector; `constant` is its value when nothing is stored.
    pub(crate) fn vector(&self, name: &str, length: usize, constant: f32) -> Result<Tensor<1>> {
        let values = match &self.origin {
            Origin::Random { .. } => vec![constant; length],
            Origin::Stored(source) => read(*source, name, length)?,
        };
        Ok(Tensor::from_data(TensorData::new(values, [length]), self.device))
    }

    /// A norm called `name`.
    pub(crate) fn norm(&self, name: &str, config: &ModelConfig) -> Result<RmsNorm> {
        let weight = self.vector(&format!("{name}.weight"), config.hidden, 1.0)?;
        Ok(RmsNorm { weight: Param::from_tensor(weight), eps: config.eps })
    }

    /// Block number `layer`.
    pub(crate) fn block(&self, config: &ModelConfig, layer: usize) -> Result<Block> {
        let prefix = format!("model.layers.{layer}");
        let std = 0.02;
        // Matrices that write to the residual stream are damped with depth (InternEvo's scaled initialization).
        let damped = std / (2.0 * (layer + 1) as f64).sqrt();
        let (hidden, inter) = (config.hidden, config.inter);
        let linear = |name: &str, shape: [usize; 2], std: f64, biased: bool| -> Result<Linear> {
            let name = format!("{prefix}.{name}");
            let weight = self.matrix(&format!("{name}.weight"), shape, std)?;
            let bias = biased.then(|| self.vector(&format!("{name}.bias"), shape[0], 0.0)).transpose()?;
            Ok(Linear::dense(weight, bias))
        };
        Ok(Block {
            attention: Attention {
                wqkv: linear("attention.wqkv", [config.qkv_rows(), hidden], std, config.qkv_bias)?,
                wo: linear("attention.wo", [hidden, config.heads * config.head_dim], damped, config.o_bias)?,
                heads: config.heads,
                kv_heads: config.kv_heads,
            },
            feed_forward: FeedForward {
                w1: linear("feed_forward.w1", [inter, hidden], std, config.mlp_bias)?,
                w2: linear("feed_forward.w2", [hidden, inter], damped, config.mlp_bias)?,
                w3: linear("feed_forward.w3", [inter, hidden], std, config.mlp_bias)?,
            },
            attention_norm: self.norm(&format!("{prefix}.attention_norm"), config)?,
            ffn_norm: self.norm(&format!("{prefix}.ffn_norm"), config)?,
        })
    }
}

fn read(source: &dyn TensorSource, name: &str, expected: usize) -> Result<Vec<f32>> {
    let values = source.read_f32(name)?;
    if values.len() == expected {
        return Ok(values);
    }
    Err(Error::Invalid(format!("tensor `{name}`: found {} elements, expected {expected}", values.len())))
}
