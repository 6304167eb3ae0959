//! Where the tensors of a new decoder come from: random numbers of the host or the device, or stored weights.

use burn::module::Param;
use burn::tensor::{DType, Device, Distribution, Tensor, TensorData};
use internlm_kit::rng::CounterRng;
use rayon::prelude::*;

use super::attention::Attention;
use super::block::Block;
use super::feed_forward::FeedForward;
use super::norm::RmsNorm;
use crate::config::ModelConfig;
use crate::device::is_gpu;
use crate::linear::{Dense, Int4, Linear};
use crate::precision::Precision;
use crate::weights::TensorSource;
use crate::weights::int4::{BLOCK, Int4Matrix, QuantizationConfig};
use crate::weights::names::{Part, Slot};
use crate::{Error, Result};

/// Standard deviation of new weights, InternEvo's `init_std`.
const DEVIATION: f64 = 0.02;

/// Makes the tensors of every [`Slot`].
pub(super) struct Builder<'a> {
    origin: Origin<'a>,
    device: &'a Device,
    precision: Precision,
}

enum Origin<'a> {
    Random {
        seed: u64,
    },
    /// Numbers of the device's own generator; matrices of blocks may be 4-bit codes in groups of this many inputs.
    Drawn {
        seed: u64,
        group: Option<Group>,
    },
    Stored {
        source: &'a dyn TensorSource,
        codes: Codes,
    },
}

/// How many consecutive inputs share a scale.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Group {
    Inputs(usize),
    /// All of a matrix.
    Row,
}

/// What becomes of matrices that are stored as 4-bit codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Codes {
    /// They are kept, where the device has a kernel for them, and cannot be trained.
    Kept,
    /// They become numbers.
    Widened,
}

impl<'a> Builder<'a> {
    /// Matrices from N(0, std), vectors constant.
    pub(super) fn random(seed: u64, device: &'a Device) -> Self {
        Self { origin: Origin::Random { seed }, device, precision: Precision::F32Exact }
    }

    /// Matrices from the same distributions by the generator of `device`, vectors constant, in a number format that the
    /// device computes with. With the settings of a 4-bit quantizer, GPUs get random codes in blocks, drawn by the host.
    pub(super) fn drawn(
        seed: u64,
        quantization: Option<QuantizationConfig>,
        device: &'a Device,
        precision: Precision,
    ) -> Self {
        device.seed(seed);
        let group = quantization.map(|config| config.group.map_or(Group::Row, Group::Inputs));
        Self { origin: Origin::Drawn { seed, group }, device, precision }
    }

    /// Tensors of a checkpoint, in a number format that the device computes with.
    pub(super) fn stored(
        source: &'a dyn TensorSource,
        codes: Codes,
        device: &'a Device,
        precision: Precision,
    ) -> Self {
        Self { origin: Origin::Stored { source, codes }, device, precision }
    }

    /// What the decoder computes in.
    pub(super) fn precision(&self) -> Precision {
        self.precision
    }

    /// The matrix of a slot.
    pub(super) fn matrix(&self, slot: Slot, config: &ModelConfig) -> Result<Param<Tensor<2>>> {
        let name = slot.weight();
        let [rows, columns] = slot.shape(config)[..] else { unreachable!("the slot holds a matrix") };
        let values = match &self.origin {
            Origin::Random { seed } => {
                let (rng, std) = (CounterRng::new(*seed, &name), deviation(slot));
                let count = (rows * columns) as u64;
                (0..count).into_par_iter().map(|counter| (std * rng.normal(counter)) as f32).collect()
            }
            Origin::Drawn { .. } => {
                let normal = Distribution::Normal(0.0, deviation(slot));
                let matrix = Tensor::<2>::random([rows, columns], normal, self.device);
                return Ok(Param::from_tensor(matrix.cast(self.precision.dtype())));
            }
            Origin::Stored { source, .. } => read(*source, &name, rows * columns)?,
        };
        let data = TensorData::new(values, [rows, columns]);
        Ok(Param::from_tensor(Tensor::from_data(data, (self.device, self.precision.dtype()))))
    }

    /// A vector, in f32 whatever the decoder computes in; `constant` is its value when nothing is stored.
    fn vector(&self, name: &str, length: usize, constant: f32) -> Result<Param<Tensor<1>>> {
        let values = match &self.origin {
            Origin::Random { .. } | Origin::Drawn { .. } => vec![constant; length],
            Origin::Stored { source, .. } => read(*source, name, length)?,
        };
        let data = TensorData::new(values, [length]);
        Ok(Param::from_tensor(Tensor::from_data(data, (self.device, DType::F32))))
    }

    /// The norm of a slot.
    pub(super) fn norm(&self, slot: Slot, config: &ModelConfig) -> Result<RmsNorm> {
        let weight = self.vector(&slot.weight(), config.hidden, 1.0)?;
        Ok(RmsNorm { weight, eps: config.eps })
    }

    /// The dense layer of a slot.
    pub(super) fn linear(&self, slot: Slot, config: &ModelConfig) -> Result<Linear> {
        let (weight, bias) = (self.matrix(slot, config)?, self.bias(slot, config)?);
        Ok(Linear::Dense(Dense { weight, bias }))
    }

    fn bias(&self, slot: Slot, config: &ModelConfig) -> Result<Option<Param<Tensor<1>>>> {
        let name = format!("{}.bias", slot.name());
        let rows = slot.shape(config)[0];
        slot.has_bias(config).then(|| self.vector(&name, rows, 0.0)).transpose()
    }

    /// The layer of a slot in a block: 4-bit codes where they are stored, kept, and there is a kernel for them.
    fn block_linear(&self, slot: Slot, config: &ModelConfig) -> Result<Linear> {
        let matrix = match &self.origin {
            _ if !is_gpu(self.device) => None,
            Origin::Stored { source, codes: Codes::Kept } => source.read_int4(&slot.weight())?,
            Origin::Drawn { seed, group: Some(group) } => Some(random_codes(slot, config, *group, *seed)?),
            _ => None,
        };
        match matrix {
            Some(matrix) => Ok(Linear::Int4(Int4::new(&matrix, self.bias(slot, config)?, self.device))),
            None => self.linear(slot, config),
        }
    }

    /// Block number `layer`.
    pub(super) fn block(&self, config: &ModelConfig, layer: usize) -> Result<Block> {
        let linear = |part| self.block_linear(Slot::Block(layer, part), config);
        let norm = |part| self.norm(Slot::Block(layer, part), config);
        Ok(Block {
            attention: Attention {
                wqkv: linear(Part::Wqkv)?,
                wo: linear(Part::Wo)?,
                heads: config.heads,
                kv_heads: config.kv_heads,
                window: config.window(layer),
            },
            feed_forward: FeedForward { w1: linear(Part::W1)?, w2: linear(Part::W2)?, w3: linear(Part::W3)? },
            attention_norm: norm(Part::AttentionNorm)?,
            ffn_norm: norm(Part::FfnNorm)?,
        })
    }
}

/// Standard deviation of the random values of a matrix. Matrices that write to the residual stream are damped with
/// depth (InternEvo's scaled initialization).
fn deviation(slot: Slot) -> f64 {
    match slot {
        Slot::Block(layer, Part::Wo | Part::W2) => DEVIATION / (2.0 * (layer + 1) as f64).sqrt(),
        _ => DEVIATION,
    }
}

/// Random codes of a matrix.
///
/// # Errors
/// Groups that are not whole, or not of a multiple of [`BLOCK`] inputs.
fn random_codes(slot: Slot, config: &ModelConfig, group: Group, seed: u64) -> Result<Int4Matrix> {
    let name = slot.weight();
    let [outputs, inputs] = slot.shape(config)[..] else { unreachable!("the slot holds a matrix") };
    let group = if let Group::Inputs(group) = group { group } else { inputs };
    if !inputs.is_multiple_of(group) || !group.is_multiple_of(BLOCK) {
        let problem = format!(
            "found {inputs} inputs in groups of {group}, expected whole groups of a multiple of {BLOCK}"
        );
        return Err(Error::tensor(name, problem));
    }
    let rng = CounterRng::new(seed, &name);
    Ok(Int4Matrix::random([outputs, inputs], group, deviation(slot), rng))
}

fn read(source: &dyn TensorSource, name: &str, expected: usize) -> Result<Vec<f32>> {
    let values = source.read_f32(name)?;
    if values.len() == expected {
        return Ok(values);
    }
    Err(Error::tensor(name, format!("found {} elements, expected {expected}", values.len())))
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use crate::config::ModelSize;
    use crate::decoder::Decoder;
    use crate::parameter::numbers;

    #[test]
    fn numbers_of_the_device_have_the_same_distribution() {
        let size = ModelSize { hidden: 64, layers: 2, heads: 2, inter: 64, vocab: 100 };
        let config = ModelConfig::new(size);
        let decoder = Decoder::init_on_device(&config, 1, &Device::flex());
        let spread = |values: Vec<f32>| {
            (values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
        };
        let found = spread(numbers(decoder.tok_embeddings.weight.val()));
        assert!((found / DEVIATION - 1.0).abs() < 0.1, "{found}");
        let Linear::Dense(w2) = &decoder.layers[1].feed_forward.w2 else { panic!("new layers are dense") };
        let found = spread(numbers(w2.weight.val()));
        assert!((found / (DEVIATION / 2.0) - 1.0).abs() < 0.1, "{found}");
        assert!(numbers(decoder.norm.weight.val()).iter().all(|value| *value == 1.0));
    }
}
