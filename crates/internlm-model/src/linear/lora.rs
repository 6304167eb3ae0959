//! [`Lora`]: a frozen matrix plus a trained low-rank product, with or without a trained magnitude.
//!
//! LoRA (Hu et al., 2021): `y = x W^T + s (d(x) A^T) B^T`, with dropout d and `s = alpha / r`, or `alpha / sqrt(r)` for
//! rsLoRA (Kalajdzievski, 2023). DoRA (Liu et al., 2024): with `V = W + s B A`, `y = m / |V| (x V^T)`, |V| the norm of
//! each row, a constant in the backward pass; with dropout as PEFT: `x W^T + (m / |V| - 1) d(x) W^T + m / |V| s ..`.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor, TensorData};
use internlm_kit::rng::CounterRng;

use super::dense::{Dense, add_bias};
use super::draw::Draw;
use super::noise::Noise;
use super::packed::Packed;
use crate::kernels::{self, Frozen, LowRank, Mask};
use crate::parameter::numbers;

/// A frozen layer plus a trained low-rank product.
#[derive(Module, Debug)]
pub struct Lora {
    /// W and b, which training does not change.
    pub base: Base,
    /// A, `[rank, in]`, random at initialization.
    pub a: Param<Tensor<2>>,
    /// B, `[out, rank]`, zero at initialization.
    pub b: Param<Tensor<2>>,
    /// s of the formula: alpha / rank, or alpha / sqrt(rank).
    pub scale: f64,
    /// m of DoRA, `[out]`, at initialization the norm of each row of W; `None` for LoRA.
    pub magnitude: Option<Param<Tensor<1>>>,
    /// Which inputs of A are dropped in training; `None` at rate 0.
    #[module(skip)]
    pub dropout: Option<Arc<Dropout>>,
    /// The squared norm of each row of W, which DoRA needs in every pass; empty for LoRA.
    #[module(skip)]
    squares: Arc<Vec<f32>>,
}

/// The layer under an adapter.
#[derive(Module, Debug)]
pub enum Base {
    /// A matrix in floats.
    Dense(Dense),
    /// A matrix of few bits (QLoRA).
    Packed(Packed),
}

/// Dropout of one adapter's input.
#[derive(Clone, Debug)]
pub struct Dropout {
    rate: f64,
    rng: CounterRng,
    noise: Noise,
}

/// Rank, strength and initial values of a low-rank adapter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LoraConfig {
    /// Rank r of the product.
    pub rank: usize,
    /// alpha; the product is scaled by alpha / r or alpha / sqrt(r).
    pub alpha: f64,
    /// Seed of A; with the layer's name it determines every value. Default 0.
    pub seed: u64,
    /// What alpha is divided by. Default: the rank.
    pub scaling: Scaling,
    /// Probability that an input of A is dropped in training. Default 0.
    pub dropout: f64,
    /// Whether each output has a trained magnitude (DoRA). Default: absent.
    pub magnitude: Magnitude,
}

/// What alpha is divided by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scaling {
    /// The rank, as in LoRA.
    Rank,
    /// The square root of the rank, as in rsLoRA.
    SquareRoot,
}

/// Whether an adapter decomposes weights into magnitude and direction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Magnitude {
    /// A plain low-rank product, as in LoRA.
    Absent,
    /// One trained number per output, as in DoRA.
    Trained,
}

impl LoraConfig {
    /// A plain adapter of the given rank and alpha, with seed 0 and without dropout.
    #[must_use]
    pub fn new(rank: usize, alpha: f64) -> Self {
        let (scaling, magnitude) = (Scaling::Rank, Magnitude::Absent);
        Self { rank, alpha, seed: 0, scaling, dropout: 0.0, magnitude }
    }

    /// Sets the seed of A.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets what alpha is divided by.
    #[must_use]
    pub fn with_scaling(self, scaling: Scaling) -> Self {
        Self { scaling, ..self }
    }

    /// Sets the probability, below 1, that an input of A is dropped in training.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Sets whether each output has a trained magnitude.
    #[must_use]
    pub fn with_magnitude(self, magnitude: Magnitude) -> Self {
        Self { magnitude, ..self }
    }

    /// s of the formula.
    #[must_use]
    pub fn scale(&self) -> f64 {
        let rank = self.rank as f64;
        match self.scaling {
            Scaling::Rank => self.alpha / rank,
            Scaling::SquareRoot => self.alpha / rank.sqrt(),
        }
    }
}

impl Base {
    /// Shape of the matrix: `[out, in]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        match self {
            Self::Dense(dense) => dense.weight.dims(),
            Self::Packed(packed) => packed.matrix.shape(),
        }
    }

    /// b, `[out]`; `None` when the layer has no bias.
    #[must_use]
    pub fn bias(&self) -> Option<&Param<Tensor<1>>> {
        match self {
            Self::Dense(dense) => dense.bias.as_ref(),
            Self::Packed(packed) => packed.bias.as_ref(),
        }
    }

    /// The bias, to be changed.
    pub fn bias_mut(&mut self) -> &mut Option<Param<Tensor<1>>> {
        match self {
            Self::Dense(dense) => &mut dense.bias,
            Self::Packed(packed) => &mut packed.bias,
        }
    }

    /// W in f32, `[out, in]`: adapters are computed with in f32, in which weights of 16 bits have the same value.
    #[must_use]
    pub fn weight(&self) -> Tensor<2> {
        match self {
            Self::Dense(dense) => dense.weight.val().cast(DType::F32),
            Self::Packed(packed) => packed.weight(),
        }
    }

    fn frozen(&self) -> Frozen {
        match self {
            Self::Dense(_) => Frozen::Dense(self.weight()),
            Self::Packed(packed) => packed.frozen(),
        }
    }
}

impl Lora {
    /// A new adapter of `base`: A from U(-1/sqrt(in), 1/sqrt(in)), keyed by (seed, name), and B zero, so that the output
    /// is unchanged at first. `noise` is that of the model.
    pub(super) fn new(base: Base, config: &LoraConfig, name: &str, noise: &Noise) -> Self {
        let [outputs, inputs] = base.shape();
        let device = match &base {
            Base::Dense(dense) => dense.weight.device(),
            Base::Packed(packed) => packed.device.clone(),
        };
        let draw = Draw::new(config.seed, name, 1.0 / (inputs as f64).sqrt());
        let dropout = Dropout {
            rate: config.dropout,
            rng: CounterRng::new(config.seed, &format!("dropout of {name}")),
            noise: noise.clone(),
        };
        let squares = match config.magnitude {
            Magnitude::Absent => Vec::new(),
            Magnitude::Trained => numbers(base.weight().powi_scalar(2).sum_dim(1)),
        };
        let norms: Vec<f32> = squares.iter().map(|square| square.sqrt()).collect();
        let magnitude = (config.magnitude == Magnitude::Trained)
            .then(|| Param::from_tensor(Tensor::from_data(TensorData::new(norms, [outputs]), &device)));
        Self {
            a: Param::from_tensor(draw.uniform([config.rank, inputs], &device)),
            b: Param::from_tensor(Tensor::zeros([outputs, config.rank], &device)),
            scale: config.scale(),
            magnitude,
            dropout: (config.dropout > 0.0).then(|| Arc::new(dropout)),
            squares: Arc::new(squares),
            base,
        }
    }

    /// The layer's output: see the formulas of this file.
    ///
    /// # Shapes
    /// - x: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let mask = self.dropout.as_ref().filter(|_| x.device().is_autodiff()).map(|dropout| dropout.mask());
        let y = match &self.magnitude {
            None => kernels::lora(x, &self.base.frozen(), self.product(mask)),
            Some(magnitude) => self.decomposed(x, mask, magnitude.val()),
        };
        add_bias(y, self.base.bias())
    }

    /// DoRA, without a bias.
    fn decomposed(&self, x: Tensor<2>, mask: Option<Mask>, magnitude: Tensor<1>) -> Tensor<2> {
        let factors = magnitude / self.norms(&x.device());
        let frozen = self.base.frozen();
        match mask {
            None => kernels::scale_columns(kernels::lora(x, &frozen, self.product(None)), factors),
            Some(mask) => {
                // The product of the dropped input needs no second mask: what is dropped is 0 in it already.
                let dropped = kernels::dropout(x.clone(), mask);
                let product = kernels::lora(dropped.clone(), &frozen, self.product(None));
                let base = kernels::frozen_linear(x, &frozen) - kernels::frozen_linear(dropped, &frozen);
                base + kernels::scale_columns(product, factors)
            }
        }
    }

    /// |V| of each row, `[out]`, without autodiff: `|W|^2 + 2 s sum_r B (W A^T) + s^2 sum_r B (B A A^T)`.
    fn norms(&self, device: &Device) -> Tensor<1> {
        let (a, b) = (self.a.val().inner(), self.b.val().inner());
        let outputs = b.dims()[0];
        let squares = TensorData::new(self.squares.to_vec(), [outputs, 1]);
        let squares = Tensor::from_data(squares, &device.clone().inner());
        // [out, rank]: the rows of A through W.
        let through = kernels::frozen_linear(a.clone(), &self.base.frozen().without_autodiff()).transpose();
        let cross = (b.clone() * through).sum_dim(1).mul_scalar(2.0 * self.scale);
        let own = (b.clone().matmul(a.clone().matmul(a.transpose())) * b).sum_dim(1);
        let norms = (squares + cross + own.mul_scalar(self.scale * self.scale)).sqrt();
        norms.reshape([outputs])
    }

    fn product(&self, mask: Option<Mask>) -> LowRank {
        LowRank { a: self.a.val(), b: self.b.val(), scale: self.scale, mask }
    }

    /// The matrix that has the layer's effect, `[out, in]`: `W + s B A`, with DoRA `m / |V| V`.
    #[must_use]
    pub fn merged_weight(&self) -> Tensor<2> {
        let b = self.b.val();
        let low_rank = b.clone().matmul(self.a.val()).mul_scalar(self.scale);
        let direction = self.base.weight() + low_rank;
        match &self.magnitude {
            None => direction,
            Some(magnitude) => {
                let factors = magnitude.val() / row_norms(direction.clone().detach());
                direction * factors.unsqueeze_dim(1)
            }
        }
    }
}

impl Dropout {
    fn mask(&self) -> Mask {
        Mask { rate: self.rate, rng: self.noise.stream(self.rng) }
    }
}

/// The Euclidean norm of each row, `[rows]`.
fn row_norms(matrix: Tensor<2>) -> Tensor<1> {
    let rows = matrix.dims()[0];
    matrix.powi_scalar(2).sum_dim(1).sqrt().reshape([rows])
}
