//! [`Int4`]: 4-bit codes on the device of the model, as quantizers of weights store them.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::dense::add_bias;
use crate::kernels::{Int4Weights, int4_decode, int4_linear};
use crate::weights::int4::{Int4Matrix, Offset};

/// `y = x W^T + b` with W in 4-bit codes (AWQ, GPTQ, compressed-tensors, Q4_0, Q4_1) that are never trained.
#[derive(Module, Debug)]
pub struct Int4 {
    /// Words of eight codes, `[out, in / 8]`; see [`Int4Matrix`].
    pub codes: Param<Tensor<2, Int>>,
    /// Scales with their offsets, `[out, in / group]`; see [`Int4Matrix`].
    pub scales: Param<Tensor<2, Int>>,
    /// The input at each place of the codes, `[in]`; `None` when the inputs are in their usual order.
    pub columns: Option<Param<Tensor<1, Int>>>,
    /// Bias in floats, `[out]`; `None` when the layer has no bias.
    pub bias: Option<Param<Tensor<1>>>,
    /// Consecutive inputs with one scale.
    pub group: usize,
    /// What belongs to a scale.
    #[module(skip)]
    pub offset: Offset,
}

impl Int4 {
    /// A layer with the codes of a matrix, copied to `device`.
    #[must_use]
    pub fn new(matrix: &Int4Matrix, bias: Option<Param<Tensor<1>>>, device: &Device) -> Self {
        let Int4Weights { codes, scales, group, offset } = Int4Weights::new(matrix, device);
        let columns = matrix.layout.columns.as_ref().map(|columns| {
            let columns: Vec<i32> = columns.iter().map(|column| *column as i32).collect();
            let data = TensorData::new(columns, [matrix.layout.inputs]);
            fixed(Tensor::from_data(data, device))
        });
        Self { codes: fixed(codes), scales: fixed(scales), columns, bias, group, offset }
    }

    /// `x W^T + b` in the number format of x; weights are decoded where they are multiplied.
    ///
    /// # Shapes
    /// - x: `[T, in]`
    /// - output: `[T, out]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = match &self.columns {
            Some(columns) => x.select(1, columns.val()),
            None => x,
        };
        add_bias(int4_linear(x, &self.weights()), self.bias.as_ref())
    }

    /// Shape of the matrix: `[out, in]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        self.weights().shape()
    }

    /// The matrix in floats, `[out, in]`.
    #[must_use]
    pub fn dequantized(&self) -> Tensor<2> {
        let weights = int4_decode(&self.weights(), DType::F32);
        match &self.columns {
            Some(columns) => weights.select(1, columns.val().argsort(0)),
            None => weights,
        }
    }

    fn weights(&self) -> Int4Weights {
        let (codes, scales) = (self.codes.val(), self.scales.val());
        Int4Weights { codes, scales, group: self.group, offset: self.offset }
    }
}

/// A parameter of integers, which no optimizer changes.
fn fixed<const D: usize>(tensor: Tensor<D, Int>) -> Param<Tensor<D, Int>> {
    Param::initialized(ParamId::new(), tensor)
}
