//! Products with a matrix of 4-bit codes.
//!
//! Few rows are multiplied as in `skinny`, codes decoded in registers. For more, tensor cores multiply tiles that are
//! decoded on their way to shared memory. From 512 rows on, and beyond 16 where no tensor cores take x, the matrix is
//! decoded into memory that is given back at once, and multiplied as one of floats.

mod codes;

use burn::backend::Dispatch;
use burn::tensor::{DType, Tensor};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;

use self::codes::WORDS;
use super::backend::{DeviceBackend, DeviceOp};
use super::gemm::{multiply, multiply_into, transposed};
use super::launch::{Refusal, empty, from_primitive, int_primitive, rows, size};
use super::skinny;
use super::tile::{TileForm, TileRefusal, coded};
use crate::kernels::int4_weights::Int4Weights;
use crate::weights::int4::BLOCK;

pub(super) use self::codes::{CodeForm, Codes, WORD, decode_word};

/// Rows from which on the matrix is decoded once and multiplied as one of floats: then decoding it is little work.
const MANY_ROWS: usize = 512;
/// Rows up to which tensor cores are not used where there are some: beyond, ordinary products take longer than reading
/// the codes.
const FEW_ROWS: usize = 8;

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
    /// The codes of a matrix on a GPU. Words are read in fours: rows that begin elsewhere are copied.
    ///
    /// # Panics
    /// When groups are not whole or of another size than a multiple of 32.
    pub(super) fn of(weights: &Int4Weights) -> Self {
        let [words, scales] =
            [&weights.codes, &weights.scales].map(|tensor| rows(int_primitive(tensor.clone())));
        let whole = weights.group.is_multiple_of(BLOCK)
            && size(&scales, 1) * weights.group == size(&words, 1) * WORD
            && size(&scales, 0) == size(&words, 0);
        assert!(whole, "every group has a scale: found {:?} words, {:?} scales", words.meta, scales.meta);
        let words =
            if words.meta.strides()[0].is_multiple_of(WORDS) { words } else { into_contiguous(words) };
        Self { words, scales, form: CodeForm { group: weights.group, offset: weights.offset } }
    }

    /// `[out, in]`.
    fn shape(&self) -> [usize; 2] {
        [size(&self.words, 0), size(&self.words, 1) * WORD]
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
        let (tokens, [outputs, inputs]) = (size(&x, 0), codes.shape());
        assert_eq!(size(&x, 1), inputs, "inner sizes of a product agree");
        let y = empty(&x, [tokens, outputs]);
        let few = if TileForm::of(&x.client, format).is_some() { FEW_ROWS } else { skinny::MAX_ROWS };
        if tokens <= few {
            codes.multiply_into(&x, &y);
        } else if tokens >= MANY_ROWS || !by_tiles(&x, &codes, &y) {
            multiply_into(x, transposed(&codes.decode(format)), &y);
        }
        (y, (codes, format))
    }

    fn backward((codes, format): Self::Saved, g: CubeTensor, wanted: [bool; 1]) -> [Option<CubeTensor>; 1] {
        [wanted[0].then(|| multiply(g, codes.decode(format)))]
    }
}

/// Writes `x W^T` over `y` by tensor cores; what they refuse goes to the log.
fn by_tiles(x: &CubeTensor, codes: &Codes, y: &CubeTensor) -> bool {
    let launched = coded::launch(x, codes, y);
    if let Err(error) = launched {
        tracing::debug!(x = ?x.meta, y = ?y.meta, %error, "codes are decoded first");
        if error != TileRefusal::NoTensorCores {
            Refusal::TensorCores("a product with codes").report();
        }
    }
    launched.is_ok()
}

#[cfg(all(test, feature = "autodiff"))]
mod tests;
