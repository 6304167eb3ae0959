//! [`Value`]: a pickled object as plain data.

use super::TensorRef;
use crate::weights::Encoding;

/// Deepest nesting of a [`Value`] that is read or written; configs and state dicts use fewer than ten levels.
pub(super) const MAX_DEPTH: usize = 100;

/// A pickled Python object. An `OrderedDict` is a dict (what it has in attributes is dropped), a `Parameter` is
/// its tensor, a `bytearray` is bytes, a `torch.Size` is a tuple, a `frozenset` is a set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Python's `None`, not a missing value.
    None,
    /// Python's `True` or `False`.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// A whole number outside of `i64`: two's complement, little-endian.
    BigInt(Vec<u8>),
    /// A Python `float`, which has 64 bits.
    Float(f64),
    /// A Python `str`; also a string of Python 2 that is valid UTF-8.
    Text(String),
    /// `bytes` or `bytearray`; also a string of Python 2 that is not UTF-8.
    Bytes(Vec<u8>),
    /// A list; its items may be of different kinds.
    List(Vec<Value>),
    /// A tuple, or a `torch.Size`.
    Tuple(Vec<Value>),
    /// A set, in the order it was written.
    Set(Vec<Value>),
    /// Pairs in the order they were set; of a key set twice the last pair counts.
    Dict(Vec<(Value, Value)>),
    /// A tensor; its bytes stay in the file, see [`TorchFile::tensor_bytes`](super::TorchFile::tensor_bytes).
    Tensor(Box<TensorRef>),
    /// A `torch.dtype` such as `torch.bfloat16`.
    DType(Encoding),
    /// A `torch.device`: `cpu`, `cuda:0`.
    Device(String),
}

impl Value {
    /// The value under a text key; `None` also when this is not a dict.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let pairs = self.as_pairs()?;
        pairs.iter().rev().find(|(found, _)| found.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// The pairs of a dict.
    #[must_use]
    pub fn as_pairs(&self) -> Option<&[(Self, Self)]> {
        match self {
            Self::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The items of a list, tuple or set.
    #[must_use]
    pub fn as_items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => Some(items),
            _ => None,
        }
    }

    /// A non-negative whole number of at most 63 bits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// A float, or a whole number of `i64` as a float (rounded above 2^53).
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of `True` or `False`; numbers are not converted.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of a text, not of bytes.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The encoding of a `torch.dtype`; `None` for every other kind.
    #[must_use]
    pub fn as_dtype(&self) -> Option<Encoding> {
        match self {
            Self::DType(encoding) => Some(*encoding),
            _ => None,
        }
    }

    /// The place of a tensor in the file.
    #[must_use]
    pub fn as_tensor(&self) -> Option<&TensorRef> {
        match self {
            Self::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }
}
