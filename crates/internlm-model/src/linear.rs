//! The one linear layer of the decoder, in its three kinds: dense, with a low-rank adapter, quantized.
//!
//! Weights are `[out, in]` as in every checkpoint of the family, so conversions stay byte copies: `y = x W^T + b`.
//! LoRA (Hu et al., 2021): `y = x W^T + s (x A^T) B^T`, W frozen. Fine-tuning swaps [`Linear::Dense`] for
//! [`Linear::Lora`] and back, deployment swaps quantized weights in; the decoder never changes.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use internlm_kit::rng::CounterRng;

use crate::kernels;

/// A linear map of one of three kinds.
#[derive(Module, Debug)]
pub enum Linear {
    /// A matrix and an optional bias.
    Dense(Dense),
    /// A frozen matrix plus a trained low-rank product.
    Lora(Lora),
    /// A matrix of 8-bit codes with one scale per block.
    Quantized(Quantized),
}

/// `y = x W^T + b`.
#[derive(Module, Debug)]
pub struct Dense {
    /// W, `[out, in]`, as checkpoints store it.
    pub weight: Param<Tensor<2>>,
    /// b, `[out]`; `None` when the layer has no bias.
    pub bias: Option<Param<Tensor<1>>>,
}

/// `y = x W^T + b + s (x A^T) B^T` with W and b frozen.
#[derive(Module, Debug)]
pub struct Lora {
    /// W and b, which training does not change.
    pub base: Dense,
    /// A, `[rank, in]`, random at initialization.
    pub a: Param<Tensor<2>>,
    /// B, `[out, rank]`, zero at initialization.
    pub b: Param<Tensor<2>>,
    /// s of the formula: alpha / rank.
    pub scale: f64,
}

/// `w = code * scale`, one scale per block of [`Quantized::BLOCK`] consecutive inputs (the layout of Q8_0).
#[derive(Module, Debug)]
pub struct Quantized {
    /// Signed 8-bit codes, `[out * in / BLOCK, BLOCK]`.
    pub codes: Param<Tensor<2, Int>>,
    /// `[out * in / BLOCK, 1]`.
    pub scales: Param<Tensor<2>>,
    /// Bias in floats, `[out]`; `None` when the layer has no bias.
    pub bias: Option<Param<Tensor<1>>>,
    /// Rows of the matrix.
    pub outputs: usize,
    /// Columns of the matrix.
    pub inputs: usize,
}

/// Rank, strength and initial values of a low-rank adapter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LoraConfig {
    /// Rank r of the product.
    pub rank: usize,
    /// alpha; the product is scaled by alpha / r.
    pub alpha: f64,
    /// Seed of A; with the layer's name it determines every value. Default 0.
    pub seed: u64,
}

impl LoraConfig {
    /// An adapter of the given rank and alpha, with seed 0.
    #[must_use]
    pub fn new(rank: usize, alpha: f64) -> Self {
        Self { rank, alpha, seed: 0 }
    }

    /// Sets the seed of A.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl Linear {
    /// A dense layer with weights from N(0, std), keyed by (seed, name), and a zero bias when asked for.
    #[must_use]
    pub fn init(shape: [usize; 2], bias: Bias, draw: &Draw, device: &Device) -> Self {
        let weight = Param::from_tensor(draw.normal(shape, device));
        let bias = match bias {
            Bias::Zero => Some(Param::from_tensor(Tensor::zeros([shape[0]], device))),
            Bias::Absent => None,
        };
        Self::Dense(Dense { weight, bias })
    }

    /// A dense layer of given values.
    #[must_use]
    pub fn dense(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        Self::Dense(Dense { weight: Param::from_tensor(weight), bias: bias.map(Param::from_tensor) })
    }

    /// Shape of the matrix that has the layer's effect: `[out, in]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        match self {
            Self::Dense(dense) => dense.weight.dims(),
            Self::Lora(lora) => lora.base.weight.dims(),
            Self::Quantized(quantized) => [quantized.outputs, quantized.inputs],
        }
    }

    /// Applies the map to each row.
    ///
    /// # Shapes
    /// - x: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Dense(dense) => dense.forward(x),
            Self::Lora(lora) => lora.forward(x),
            Self::Quantized(quantized) => quantized.forward(x),
        }
    }

    /// The matrix that has the layer's effect, `[out, in]`: merged or dequantized where needed.
    #[must_use]
    pub fn weight(&self) -> Tensor<2> {
        match self {
            Self::Dense(dense) => dense.weight.val(),
            Self::Lora(lora) => lora.merged_weight(),
            Self::Quantized(quantized) => quantized.dequantized(),
        }
    }

    /// The bias, `[out]`; `None` when the layer has no bias.
    #[must_use]
    pub fn bias(&self) -> Option<Tensor<1>> {
        match self {
            Self::Dense(dense) => dense.bias.as_ref().map(Param::val),
            Self::Lora(lora) => lora.base.bias.as_ref().map(Param::val),
            Self::Quantized(quantized) => quantized.bias.as_ref().map(Param::val),
        }
    }

    /// Freezes the matrix and adds a trainable product: A from U(-1/sqrt(in), 1/sqrt(in)), B zero, so that the
    /// output is unchanged at first. A quantized matrix is dequantized; an adapter that is already there is merged.
    #[must_use]
    pub fn inject_lora(self, config: &LoraConfig, name: &str) -> Self {
        let [outputs, inputs] = self.shape();
        let Self::Dense(mut base) = self.merge() else { unreachable!("merge gives a dense layer") };
        let device = base.weight.device();
        base.weight = base.weight.set_require_grad(false);
        base.bias = base.bias.map(|bias| bias.set_require_grad(false));
        let draw = Draw::new(config.seed, name, 1.0 / (inputs as f64).sqrt());
        Self::Lora(Lora {
            base,
            a: Param::from_tensor(draw.uniform([config.rank, inputs], &device)),
            b: Param::from_tensor(Tensor::zeros([outputs, config.rank], &device)),
            scale: config.alpha / config.rank as f64,
        })
    }

    /// The dense layer with the same output: `W + s B A`, or the dequantized matrix.
    #[must_use]
    pub fn merge(self) -> Self {
        match self {
            Self::Dense(_) => self,
            Self::Lora(lora) => {
                let weight = lora.merged_weight().detach();
                Self::dense(weight, lora.base.bias.map(|bias| bias.val().detach()))
            }
            Self::Quantized(quantized) => {
                Self::dense(quantized.dequantized(), quantized.bias.map(|bias| bias.val()))
            }
        }
    }

    /// The same map in 8-bit codes: `scale = max |w| / 127` per block, `code = round(w / scale)`.
    ///
    /// A layer whose inputs are not a multiple of [`Quantized::BLOCK`] stays dense.
    #[must_use]
    pub fn quantize(self) -> Self {
        let [outputs, inputs] = self.shape();
        let Self::Dense(dense) = self.merge() else { unreachable!("merge gives a dense layer") };
        if inputs % Quantized::BLOCK != 0 {
            return Self::Dense(dense);
        }
        let weight = dense.weight.val().detach().inner();
        let blocks = weight.reshape([outputs * inputs / Quantized::BLOCK, Quantized::BLOCK]);
        let scales = blocks.clone().abs().max_dim(1).div_scalar(127.0);
        let divisor = scales.clone().mask_fill(scales.clone().equal_elem(0.0), 1.0);
        let codes = (blocks / divisor).round().int().cast(burn::tensor::DType::I8);
        Self::Quantized(Quantized {
            codes: Param::initialized(burn::module::ParamId::new(), codes),
            scales: Param::from_tensor(scales).set_require_grad(false),
            bias: dense.bias,
            outputs,
            inputs,
        })
    }
}

impl Dense {
    /// `x W^T + b`, or `x W^T` without a bias.
    ///
    /// # Shapes
    /// - x: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        add_bias(kernels::linear(x, self.weight.val()), self.bias.as_ref())
    }
}

impl Lora {
    /// `x W^T + b + s (x A^T) B^T`.
    ///
    /// # Shapes
    /// - x: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let low_rank = kernels::linear(kernels::linear(x.clone(), self.a.val()), self.b.val());
        self.base.forward(x) + low_rank.mul_scalar(self.scale)
    }

    /// `W + s B A`, `[out, in]`.
    #[must_use]
    pub fn merged_weight(&self) -> Tensor<2> {
        self.base.weight.val() + self.b.val().matmul(self.a.val()).mul_scalar(self.scale)
    }
}

impl Quantized {
    /// Consecutive inputs that share one scale.
    pub const BLOCK: usize = 32;

    /// `x W^T + b` with W dequantized for this call.
    ///
    /// # Shapes
    /// - x: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        add_bias(kernels::linear(x, self.dequantized()), self.bias.as_ref())
    }

    /// The matrix in floats, `[out, in]`.
    #[must_use]
    pub fn dequantized(&self) -> Tensor<2> {
        (self.codes.val().float() * self.scales.val()).reshape([self.outputs, self.inputs])
    }
}

fn add_bias(y: Tensor<2>, bias: Option<&Param<Tensor<1>>>) -> Tensor<2> {
    match bias {
        Some(bias) => y + bias.val().unsqueeze(),
        None => y,
    }
}

/// Whether a layer has a bias.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bias {
    /// A bias that starts at zero.
    Zero,
    /// The layer has no bias parameter.
    Absent,
}

/// Random initial values of one tensor: a pure function of (seed, tensor name).
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    rng: CounterRng,
    spread: f64,
}

impl Draw {
    /// `spread` is the standard deviation of normal values, half the width of uniform ones.
    #[must_use]
    pub fn new(seed: u64, name: &str, spread: f64) -> Self {
        Self { rng: CounterRng::new(seed, name), spread }
    }

    /// Values of N(0, spread).
    #[must_use]
    pub fn normal(&self, shape: [usize; 2], device: &Device) -> Tensor<2> {
        self.tensor(shape, device, |counter| self.rng.normal(counter))
    }

    /// Values of U(-spread, spread).
    #[must_use]
    pub fn uniform(&self, shape: [usize; 2], device: &Device) -> Tensor<2> {
        self.tensor(shape, device, |counter| 2.0 * self.rng.f64(counter) - 1.0)
    }

    fn tensor(&self, shape: [usize; 2], device: &Device, unit: impl Fn(u64) -> f64) -> Tensor<2> {
        let count = (shape[0] * shape[1]) as u64;
        let values: Vec<f32> = (0..count).map(|counter| (self.spread * unit(counter)) as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }
}
