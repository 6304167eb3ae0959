//! [`Encoding`]: the number formats of weight files, their names and sizes; `decode.rs` has their formulas.

use std::fmt;

use crate::config::DType;

/// How the numbers of a tensor are stored.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Encoding {
    /// 64-bit IEEE float, 8 bytes per value; not widened to f32, which would lose digits.
    F64,
    /// 32-bit IEEE float, 4 bytes per value.
    F32,
    /// 16-bit IEEE float, 2 bytes per value.
    F16,
    /// bfloat16, the upper half of an f32; 2 bytes per value.
    Bf16,
    /// 8-bit signed integer, 1 byte per value.
    I8,
    /// 16-bit signed integer, 2 bytes per value.
    I16,
    /// 32-bit signed integer, 4 bytes per value.
    I32,
    /// 64-bit signed integer, 8 bytes per value.
    I64,
    /// 8-bit unsigned integer, 1 byte per value.
    U8,
    /// 16-bit unsigned integer, 2 bytes per value.
    U16,
    /// 32-bit unsigned integer, 4 bytes per value.
    U32,
    /// 64-bit unsigned integer, 8 bytes per value.
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
