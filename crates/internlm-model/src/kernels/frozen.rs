//! The product with a matrix that is not trained: floats, or packed weights that are decoded tile by tile.
//!
//! `y = x W^T`, `dx = g W`. The dense matrix of packed weights never exists whole on the CPU: a tile of rows is decoded
//! into cache by all threads and multiplied, forward and backward.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};

use crate::packed::PackedMatrix;

/// A matrix that takes no gradient, `[out, in]`.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "made for one call and never stored; a tensor is a handle")]
pub enum Frozen {
    /// Weights in floats on the device of the model.
    Dense(Tensor<2>),
    /// Packed weights in host memory.
    Packed(Arc<PackedMatrix>),
}

impl Frozen {
    /// Shape of the matrix: `[out, in]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        match self {
            Self::Dense(weight) => weight.dims(),
            Self::Packed(matrix) => matrix.shape(),
        }
    }

    /// The same matrix for computations outside of the graph.
    #[must_use]
    pub fn without_autodiff(self) -> Self {
        match self {
            Self::Dense(weight) => Self::Dense(weight.inner()),
            packed @ Self::Packed(_) => packed,
        }
    }

    /// The matrix in floats on `device`, without autodiff.
    #[must_use]
    pub fn weight(&self, device: &Device) -> Tensor<2> {
        match self {
            Self::Dense(weight) => weight.clone().inner(),
            Self::Packed(matrix) => {
                let data = TensorData::new(matrix.decode(), matrix.shape());
                Tensor::from_data(data, &device.clone().inner())
            }
        }
    }
}

/// `y = x W^T` with W frozen.
///
/// # Shapes
/// - x: `[T, in]`
/// - weight: `[out, in]`
/// - y: `[T, out]`
#[must_use]
pub fn frozen_linear(x: Tensor<2>, weight: &Frozen) -> Tensor<2> {
    match weight {
        Frozen::Dense(weight) => super::linear(x, weight.clone()),
        #[cfg(feature = "flex")]
        Frozen::Packed(matrix) if super::fused::accepts(&x) => fused::apply(x, matrix),
        Frozen::Packed(_) => {
            let weight = weight.weight(&x.device());
            super::linear(x, weight)
        }
    }
}

#[cfg(feature = "flex")]
pub(crate) mod fused {
    //! The kernel of the CPU backend.

    use std::sync::Arc;

    use burn::backend::{Dispatch, Flex};
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;
    use rayon::prelude::*;

    use super::Frozen;
    use crate::kernels::buffer::Buffer;
    use crate::kernels::fused::{FusedBackend, FusedOp, contiguous, floats};
    use crate::kernels::gemm::{Matrix, MatrixMut, Target, Threads, multiply};
    use crate::packed::PackedMatrix;

    pub(super) fn apply(x: Tensor<2>, matrix: &Arc<PackedMatrix>) -> Tensor<2> {
        let op = FrozenOp { weight: HostMatrix::Packed(Arc::clone(matrix)) };
        Tensor::from_dispatch(Dispatch::fused1(op, x.into_dispatch()))
    }

    /// A frozen matrix as kernels on slices read it.
    #[derive(Clone, Debug)]
    pub(crate) enum HostMatrix {
        Dense(FlexTensor),
        Packed(Arc<PackedMatrix>),
    }

    /// Floats of decoded weights held at once: half of a usual second-level cache.
    const TILE: usize = 1 << 17;

    impl HostMatrix {
        /// The matrix, when it is in the memory of the host.
        pub(crate) fn of(weight: &Frozen) -> Option<Self> {
            match weight {
                Frozen::Dense(weight) if crate::kernels::fused::accepts(weight) => {
                    let weight = weight.clone().inner().try_into_primitive::<Flex>().ok()?;
                    Some(Self::Dense(contiguous(weight)))
                }
                Frozen::Dense(_) => None,
                Frozen::Packed(matrix) => Some(Self::Packed(Arc::clone(matrix))),
            }
        }

        /// `[out, in]`.
        pub(crate) fn shape(&self) -> [usize; 2] {
            match self {
                Self::Dense(weight) => [weight.layout().shape()[0], weight.layout().shape()[1]],
                Self::Packed(matrix) => matrix.shape(),
            }
        }

        /// The matrix, when it exists whole.
        pub(crate) fn dense(&self) -> Option<Matrix<'_>> {
            let [outputs, inputs] = self.shape();
            match self {
                Self::Dense(weight) => Some(Matrix::new(floats(weight), outputs, inputs)),
                Self::Packed(_) => None,
            }
        }

        /// `y = x W^T`, or added to y.
        pub(crate) fn forward(&self, x: Matrix<'_>, y: &mut [f32], target: Target) {
            let (tokens, outputs) = (x.rows(), self.shape()[0]);
            self.tiles(|first, tile| {
                let y = MatrixMut::strided(&mut y[first..], tokens, tile.rows(), outputs);
                multiply(y, target, x, tile.transposed(), 1.0, Threads::All);
            });
        }

        /// `dx = g W`, or added to dx.
        pub(crate) fn input_gradient(&self, g: Matrix<'_>, dx: &mut [f32], target: Target) {
            let [outputs, inputs] = self.shape();
            let mut target = target;
            self.tiles(|first, tile| {
                let part = g.columns_range(first, tile.rows());
                multiply(MatrixMut::new(dx, g.rows(), inputs), target, part, tile, 1.0, Threads::All);
                target = Target::Add;
            });
            debug_assert_eq!(g.columns(), outputs, "one gradient per output");
        }

        /// Calls `work(first row, rows in floats)` for all rows in order.
        fn tiles(&self, mut work: impl FnMut(usize, Matrix<'_>)) {
            let [outputs, inputs] = self.shape();
            match self {
                Self::Dense(weight) => work(0, Matrix::new(floats(weight), outputs, inputs)),
                Self::Packed(matrix) => {
                    let rows = (TILE / inputs.max(1)).clamp(8, 512).min(outputs.max(1));
                    let mut tile = Buffer::stale(rows * inputs);
                    for first in (0..outputs).step_by(rows) {
                        let count = rows.min(outputs - first);
                        let tile = &mut tile[..count * inputs];
                        tile.par_chunks_mut(8 * inputs).enumerate().for_each(|(part, rows)| {
                            matrix.decode_rows(first + 8 * part, rows);
                        });
                        work(first, Matrix::new(tile, count, inputs));
                    }
                }
            }
        }
    }

    #[derive(Clone, Debug)]
    struct FrozenOp {
        weight: HostMatrix,
    }

    impl FusedOp<1> for FrozenOp {
        type Saved = HostMatrix;

        fn forward(self, [x]: [FlexTensor; 1], _wanted: [bool; 1]) -> (FlexTensor, HostMatrix) {
            let (tokens, inputs) = (x.layout().shape()[0], x.layout().shape()[1]);
            let outputs = self.weight.shape()[0];
            let mut y = Buffer::stale(tokens * outputs);
            self.weight.forward(Matrix::new(floats(&x), tokens, inputs), &mut y, Target::Set);
            (y.into_tensor([tokens, outputs]), self.weight)
        }

        fn backward(weight: HostMatrix, g: FlexTensor, wanted: [bool; 1]) -> [Option<FlexTensor>; 1] {
            let [outputs, inputs] = weight.shape();
            let tokens = g.layout().shape()[0];
            [wanted[0].then(|| {
                let mut dx = Buffer::stale(tokens * inputs);
                weight.input_gradient(Matrix::new(floats(&g), tokens, outputs), &mut dx, Target::Set);
                dx.into_tensor([tokens, inputs])
            })]
        }
    }
}
