//! Products with a matrix of 4-bit codes, decoded where they are multiplied; the codes are read 16 bytes at a time.
//!
//! Up to 16 rows are multiplied as in `skinny`. For more, tensor cores multiply tiles that are decoded in shared memory;
//! from 512 rows on, and where there are no tensor cores for the number format of x, the matrix is decoded into memory
//! that is given back at once and multiplied as one of floats.

mod codes;

use burn::backend::Dispatch;
use burn::tensor::{DType, Tensor};
use burn_cubecl::tensor::CubeTensor;

use super::backend::{DeviceBackend, DeviceOp};
use super::gemm::{multiply, multiply_into, transposed};
use super::launch::{empty, from_primitive, int_primitive, rows, size};
use super::skinny;
use super::tile::coded;
use crate::kernels::int4_weights::Int4Weights;

pub(super) use self::codes::{CodeForm, Codes, WORD, decode_word};

/// Rows from which on the matrix is decoded once and multiplied as one of floats: then decoding it is little work.
const MANY_ROWS: usize = 512;

/// `y = x W^T`, in the number format of x.
pub(in crate::kernels) fn apply(x: Tensor<2>, weights: &Int4Weights) -> Tensor<2> {
    let op = Int4Op { codes: Codes::of(weights) };
    Tensor::from_dispatch(Dispatch::device1(op, x.into_dispatch()))
}

/// The matrix in floats, `[out, in]`.
pub(in crate::kernels) fn decode(weights: &Int4Weights, format: DType) -> Tensor<2> {
    from_primitive(Codes::of(weights).decode(format))
}

impl Codes {
    pub(super) fn of(weights: &Int4Weights) -> Self {
        let [words, scales] = [&weights.codes, &weights.scales].map(|tensor| int_primitive(tensor.clone()));
        Self { words, scales, form: CodeForm { group: weights.group, offset: weights.offset } }
    }
}

#[derive(Clone, Debug)]
struct Int4Op {
    codes: Codes,
}

impl DeviceOp<1> for Int4Op {
    /// Also the number format of x.
    type Saved = (Codes, DType);

    fn forward(self, [x]: [CubeTensor; 1], _wanted: [bool; 1]) -> (CubeTensor, Self::Saved) {
        let Self { codes } = self;
        let (format, x) = (x.dtype, rows(x));
        let y = empty(&x, [size(&x, 0), size(&codes.words, 0)]);
        let tokens = size(&x, 0);
        if tokens <= skinny::MAX_ROWS {
            codes.multiply_into(&x, &y);
        } else if tokens >= MANY_ROWS || coded::launch(&x, &codes, &y).is_err() {
            multiply_into(x, transposed(&codes.decode(format)), &y);
        }
        (y, (codes, format))
    }

    fn backward((codes, format): Self::Saved, g: CubeTensor, wanted: [bool; 1]) -> [Option<CubeTensor>; 1] {
        [wanted[0].then(|| multiply(g, codes.decode(format)))]
    }
}

#[cfg(all(test, feature = "autodiff"))]
mod tests;
