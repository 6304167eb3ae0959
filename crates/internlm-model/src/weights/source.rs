//! [`TensorSource`]: named tensors, whatever file they are in.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use super::decode;
use crate::config::DType;
use crate::{Error, Result};

/// How the numbers of a tensor are stored.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Encoding {
    /// 64-bit float.
    F64,
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// bfloat16.
    Bf16,
    /// 8-bit signed integer.
    I8,
    /// 16-bit signed integer.
    I16,
    /// 32-bit signed integer.
    I32,
    /// 64-bit signed integer.
    I64,
    /// 8-bit unsigned integer.
    U8,
    /// 16-bit unsigned integer.
    U16,
    /// 32-bit unsigned integer.
    U32,
    /// 64-bit unsigned integer.
    U64,
    /// One byte, 0 or 1.
    Bool,
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
    /// GGUF blocks of 256: eight sub-blocks with 6-bit scales and minima, 4-bit values.
    Q4K,
    /// GGUF blocks of 256: eight sub-blocks with 6-bit scales and minima, 5-bit values.
    Q5K,
    /// GGUF blocks of 256: sixteen sub-blocks with 8-bit scales, 6-bit values around 32.
    Q6K,
}

impl Encoding {
    /// (values per block, bytes per block).
    #[must_use]
    pub const fn block(self) -> (usize, usize) {
        match self {
            Self::I8 | Self::U8 | Self::Bool => (1, 1),
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => (1, 2),
            Self::F32 | Self::I32 | Self::U32 => (1, 4),
            Self::F64 | Self::I64 | Self::U64 => (1, 8),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }

    /// The name used by safetensors and llama.cpp: `BF16`, `Q4_1`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::I8 => "I8",
            Self::I16 => "I16",
            Self::I32 => "I32",
            Self::I64 => "I64",
            Self::U8 => "U8",
            Self::U16 => "U16",
            Self::U32 => "U32",
            Self::U64 => "U64",
            Self::Bool => "BOOL",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// Every encoding a safetensors file may name.
    pub(crate) const SAFETENSORS: [Self; 13] = [
        Self::F64,
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::Bool,
    ];

    /// Bytes of a tensor of this shape; `None` when the innermost size is not a whole number of blocks
    /// or the count overflows.
    #[must_use]
    pub fn byte_length(self, shape: &[usize]) -> Option<usize> {
        let (values, bytes) = self.block();
        if shape.last().is_some_and(|inner| inner % values != 0) || (shape.is_empty() && values != 1) {
            return None;
        }
        let count = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
        (count / values).checked_mul(bytes)
    }

    /// The values of whole blocks, widened to f32 exactly; `None` for integers and F64, and when `bytes` is not a
    /// whole number of blocks.
    #[must_use]
    pub fn dequantize(self, bytes: &[u8]) -> Option<Vec<f32>> {
        let (values, block_bytes) = self.block();
        if !bytes.len().is_multiple_of(block_bytes) {
            return None;
        }
        let mut out = Vec::with_capacity(bytes.len() / block_bytes * values);
        decode::widen(self, bytes, &mut out).then_some(out)
    }
}

impl Encoding {
    /// The storage type of weights with this encoding; `None` for integers, blocks and F64.
    #[must_use]
    pub const fn dtype(self) -> Option<DType> {
        match self {
            Self::F32 => Some(DType::F32),
            Self::F16 => Some(DType::F16),
            Self::Bf16 => Some(DType::Bf16),
            _ => None,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl From<DType> for Encoding {
    fn from(dtype: DType) -> Self {
        match dtype {
            DType::F32 => Self::F32,
            DType::F16 => Self::F16,
            DType::Bf16 => Self::Bf16,
        }
    }
}

/// One tensor of a file: row-major shape, outermost dimension first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TensorInfo {
    /// Sizes, outermost first: a matrix is `[out, in]`.
    pub shape: Vec<usize>,
    /// How the numbers are stored.
    pub encoding: Encoding,
}

/// Named tensors of one model. Shared between threads: reading different tensors in parallel is fine.
pub trait TensorSource: Send + Sync {
    /// All names, sorted.
    fn names(&self) -> Vec<String>;

    /// Shape and storage of one tensor.
    fn info(&self, name: &str) -> Option<TensorInfo>;

    /// The file that holds a tensor, for messages.
    fn file(&self, name: &str) -> PathBuf;

    /// The stored bytes of one tensor, row-major, in the encoding of [`TensorSource::info`]; borrowed where the
    /// file has them in this order.
    ///
    /// # Errors
    /// No tensor of this name, or its bytes cannot be read.
    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>>;

    /// The numbers of one tensor, row-major, widened to f32 exactly.
    ///
    /// # Errors
    /// As [`TensorSource::read_bytes`]; a tensor of integers.
    fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        widen(self, name)
    }

    /// Gives the memory of one tensor's mapped pages back to the system; reading it again fetches them from the file.
    fn release(&self, _name: &str) {}
}

/// The numbers of one tensor of `source`.
pub(super) fn widen<S: TensorSource + ?Sized>(source: &S, name: &str) -> Result<Vec<f32>> {
    let bytes = source.read_bytes(name)?;
    let info = source.info(name).ok_or_else(|| missing(source.file(name), name))?;
    let mut values = Vec::with_capacity(info.shape.iter().product());
    if decode::widen(info.encoding, &bytes, &mut values) {
        return Ok(values);
    }
    let problem =
        format!("tensor {name}: type: found {}, expected a floating-point or block type", info.encoding);
    Err(Error::Weights { path: source.file(name), problems: vec![problem] })
}

/// The error for a name that `path` does not hold.
pub(super) fn missing(path: PathBuf, name: &str) -> Error {
    Error::Weights { path, problems: vec![format!("tensor {name}: missing")] }
}
