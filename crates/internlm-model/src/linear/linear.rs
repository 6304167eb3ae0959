//! [`Linear`]: the one linear layer of the decoder.
//!
//! Weights are `[out, in]` as in every checkpoint of the family, so conversions stay byte copies: `y = x W^T + b`.
//! LoRA (Hu et al., 2021): `y = x W^T + s (x A^T) B^T`, W frozen. Fine-tuning swaps [`Linear::Dense`] for
//! [`Linear::Lora`] and back, deployment swaps quantized weights in; the decoder never changes.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};

use super::dense::{Bias, Dense};
use super::draw::Draw;
use super::int4::Int4;
use super::lora::{Base, Lora, LoraConfig};
use super::noise::Noise;
use super::packed::Packed;
use super::quantized::Quantized;
use crate::packed::{PackedFormat, PackedMatrix};
use crate::parameter::numbers;

/// A linear map of one of five kinds.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a few hundred layers; modules of Burn are not boxed")]
pub enum Linear {
    /// A matrix and an optional bias.
    Dense(Dense),
    /// A frozen matrix plus a trained low-rank product.
    Lora(Lora),
    /// A matrix of 8-bit codes with one scale per block, on the device.
    Quantized(Quantized),
    /// A frozen matrix of 4-bit codes, on the device.
    Int4(Int4),
    /// A frozen matrix of 4, 8 or 16 bits in host memory.
    Packed(Packed),
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
            Self::Lora(lora) => lora.base.shape(),
            Self::Quantized(quantized) => [quantized.outputs, quantized.inputs],
            Self::Int4(int4) => int4.shape(),
            Self::Packed(packed) => packed.matrix.shape(),
        }
    }

    /// Applies the map to each row.
    ///
    /// # Shapes
    /// - x: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let format = x.dtype();
        // Adapters and codes of 8 bits are computed with in f32.
        match self {
            Self::Dense(dense) => dense.forward(x),
            Self::Int4(int4) => int4.forward(x),
            Self::Lora(lora) => lora.forward(x.cast(DType::F32)).cast(format),
            Self::Quantized(quantized) => quantized.forward(x.cast(DType::F32)).cast(format),
            Self::Packed(packed) => packed.forward(x.cast(DType::F32)).cast(format),
        }
    }

    /// The matrix that has the layer's effect, `[out, in]`: merged or dequantized where needed.
    #[must_use]
    pub fn weight(&self) -> Tensor<2> {
        match self {
            Self::Dense(dense) => dense.weight.val(),
            Self::Lora(lora) => lora.merged_weight(),
            Self::Quantized(quantized) => quantized.dequantized(),
            Self::Int4(int4) => int4.dequantized(),
            Self::Packed(packed) => packed.weight(),
        }
    }

    /// The packed weights of the layer or of what is under its adapter; `None` for weights in floats.
    #[must_use]
    pub fn packed_matrix(&self) -> Option<&PackedMatrix> {
        match self {
            Self::Packed(packed) | Self::Lora(Lora { base: Base::Packed(packed), .. }) => {
                Some(&packed.matrix)
            }
            _ => None,
        }
    }

    /// The bias, `[out]`; `None` when the layer has no bias.
    #[must_use]
    pub fn bias(&self) -> Option<Tensor<1>> {
        match self {
            Self::Dense(dense) => dense.bias.as_ref().map(Param::val),
            Self::Lora(lora) => lora.base.bias().map(Param::val),
            Self::Quantized(quantized) => quantized.bias.as_ref().map(Param::val),
            Self::Int4(int4) => int4.bias.as_ref().map(Param::val),
            Self::Packed(packed) => packed.bias.as_ref().map(Param::val),
        }
    }

    /// Freezes the matrix and adds a trainable product: A from U(-1/sqrt(in), 1/sqrt(in)), B zero, so that the output is
    /// unchanged at first. A matrix that is packed stays so; a quantized one is dequantized, an adapter that is already
    /// there is merged. `name` is the layer's, `noise` the model's.
    #[must_use]
    pub fn inject_lora(self, config: &LoraConfig, name: &str, noise: &Noise) -> Self {
        let base = match self {
            Self::Packed(packed) => Base::Packed(packed),
            other => Base::Dense(other.into_dense()),
        };
        let base = match base {
            Base::Dense(Dense { weight, bias }) => Base::Dense(Dense {
                weight: weight.set_require_grad(false),
                bias: bias.map(|bias| bias.set_require_grad(false)),
            }),
            packed @ Base::Packed(_) => packed,
        };
        Self::Lora(Lora::new(base, config, name, noise))
    }

    /// The layer without its adapter; other layers as they are.
    #[must_use]
    pub fn without_adapter(self) -> Self {
        match self {
            Self::Lora(Lora { base: Base::Dense(dense), .. }) => Self::Dense(dense),
            Self::Lora(Lora { base: Base::Packed(packed), .. }) => Self::Packed(packed),
            other => other,
        }
    }

    /// The dense layer with the same output: `W + s B A`, or the decoded matrix.
    #[must_use]
    pub fn merge(self) -> Self {
        Self::Dense(self.into_dense())
    }

    fn into_dense(self) -> Dense {
        let (weight, bias) = match self {
            Self::Dense(dense) => return dense,
            Self::Lora(lora) => {
                (lora.merged_weight().detach(), lora.base.bias().map(|bias| bias.val().detach()))
            }
            Self::Quantized(quantized) => (quantized.dequantized(), quantized.bias.map(|bias| bias.val())),
            Self::Int4(int4) => (int4.dequantized(), int4.bias.map(|bias| bias.val())),
            Self::Packed(packed) => (packed.weight(), packed.bias.map(|bias| bias.val())),
        };
        Dense { weight: Param::from_tensor(weight), bias: bias.map(Param::from_tensor) }
    }

    /// The same map in 8-bit codes on the device (see [`Quantized`]).
    ///
    /// A layer whose inputs are not a multiple of [`Quantized::BLOCK`] stays dense.
    #[must_use]
    pub fn quantize(self) -> Self {
        let dense = self.into_dense();
        match dense.weight.dims()[1] % Quantized::BLOCK {
            0 => Self::Quantized(Quantized::of(dense)),
            _ => Self::Dense(dense),
        }
    }

    /// The same map with frozen weights of few bits in host memory, and a frozen bias.
    #[must_use]
    pub fn pack(self, format: PackedFormat) -> Self {
        let dense = self.into_dense();
        let (shape, device) = (dense.weight.dims(), dense.weight.device());
        let matrix = PackedMatrix::pack(&numbers(dense.weight.val()), shape, format);
        let bias = dense.bias.map(|bias| bias.set_require_grad(false));
        Self::Packed(Packed { matrix: Arc::new(matrix), bias, device })
    }
}
