//! [`TensorSource`]: named tensors, whatever file they are in.

use crate::Result;

/// How the numbers of a tensor are stored.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Encoding {
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// bfloat16.
    Bf16,
    /// GGUF blocks of 32: f16 scale, 4-bit values around 8.
    Q4_0,
    /// GGUF blocks of 32: f16 scale and minimum, 4-bit values.
    Q4_1,
    /// GGUF blocks of 32: f16 scale, 5-bit values around 16.
    Q5_0,
    /// GGUF blocks of 32: f16 scale and minimum, 5-bit values.
    Q5_1,
    /// GGUF blocks of 32: f16 scale, 8-bit values.
    Q8_0,
}

/// One tensor of a file: row-major shape, outermost dimension first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TensorInfo {
    /// Sizes, outermost first: a matrix is `[out, in]`.
    pub shape: Vec<usize>,
    /// How the numbers are stored.
    pub encoding: Encoding,
}

/// Named tensors of one model.
pub trait TensorSource: Send + Sync {
    /// All names, sorted.
    fn names(&self) -> Vec<String>;

    /// Shape and storage of one tensor.
    fn info(&self, name: &str) -> Option<TensorInfo>;

    /// The numbers of one tensor, row-major, widened to f32 exactly.
    ///
    /// # Errors
    /// No tensor of this name, or its bytes cannot be read.
    fn read_f32(&self, name: &str) -> Result<Vec<f32>>;
}
