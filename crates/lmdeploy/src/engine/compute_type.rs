//! [`ComputeType`]: the number format that a decoder on a GPU computes in, by upstream's names.

use std::fmt;
use std::str::FromStr;

#[cfg(feature = "burn")]
use internlm_model::Precision;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The key in a config file, and its values.
const DTYPE: (&str, &str) = ("dtype", "auto, float32, bfloat16 or float16");

/// Number format of weights and activations (upstream: `dtype`); sums, norms and softmax are f32 in every case.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum ComputeType {
    /// `auto`: what the executor computes in by itself, f32 on Burn.
    #[default]
    Auto,
    /// `float32`: every product is exact.
    Float32,
    /// `bfloat16`, on GPUs that have it.
    Bfloat16,
    /// `float16`, on GPUs that have it.
    Float16,
}

/// The values by their names.
const NAMES: [(&str, ComputeType); 4] = [
    ("auto", ComputeType::Auto),
    ("float32", ComputeType::Float32),
    ("bfloat16", ComputeType::Bfloat16),
    ("float16", ComputeType::Float16),
];

impl ComputeType {
    /// Whether it has 16 bits, which only GPUs compute with.
    #[must_use]
    pub fn is_half(self) -> bool {
        matches!(self, Self::Bfloat16 | Self::Float16)
    }

    /// What a decoder on Burn computes in.
    #[cfg(feature = "burn")]
    #[must_use]
    pub fn precision(self) -> Precision {
        match self {
            Self::Auto | Self::Float32 => Precision::F32Exact,
            Self::Bfloat16 => Precision::Bf16,
            Self::Float16 => Precision::F16,
        }
    }
}

impl fmt::Display for ComputeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, value)| value == self).map(|(name, _)| *name);
        f.write_str(name.expect("every value has a name"))
    }
}

impl FromStr for ComputeType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = NAMES.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        found.ok_or_else(|| Error::setting(DTYPE.0, format_args!("`{name}`"), DTYPE.1))
    }
}

impl TryFrom<String> for ComputeType {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl From<ComputeType> for String {
    fn from(value: ComputeType) -> Self {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_upstreams() {
        for (name, value) in NAMES {
            assert_eq!(name.parse::<ComputeType>().expect("is a name"), value);
            assert_eq!(value.to_string(), name);
        }
        let refused = "int8".parse::<ComputeType>().expect_err("is no name").to_string();
        assert!(refused.contains("dtype: found `int8`, expected auto"), "{refused}");
        assert!(!ComputeType::Auto.is_half() && ComputeType::Bfloat16.is_half());
    }
}
