//! [`Precision`]: the number format that a decoder computes in.

use std::fmt;
use std::str::FromStr;

use burn::tensor::{DType, Device};
use serde::{Deserialize, Serialize};

use crate::device::is_gpu;
use crate::{Error, Result};

/// The number format of activations and of the weights that they are multiplied with; sums, norms, softmax and losses are
/// f32 in every case, and weights may be stored in f32 in every case.
///
/// There is no format that rounds f32 to TF32: products of f32 keep every bit.
///
/// ```
/// use internlm_model::Precision;
///
/// assert_eq!("bf16".parse::<Precision>()?, Precision::Bf16);
/// assert!("tf32".parse::<Precision>().is_err());
/// # Ok::<(), internlm_model::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Precision {
    /// f32, products with all 24 bits: `f32-exact`.
    #[default]
    F32Exact,
    /// bf16, products on tensor cores where there are some: `bf16`.
    Bf16,
    /// The same in f16, which Vulkan has as well: `f16`. Gradients of real losses underflow in it without a loss scale.
    F16,
}

/// The precisions by the names that options use.
const NAMES: [(&str, Precision); 3] =
    [("f32-exact", Precision::F32Exact), ("bf16", Precision::Bf16), ("f16", Precision::F16)];

impl Precision {
    /// Whether it is the default, which does not need to be written.
    #[must_use]
    pub fn is_f32_exact(&self) -> bool {
        *self == Self::F32Exact
    }

    /// Bytes of one number.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.dtype().size() as u64
    }

    /// Burn's number format of weights.
    #[must_use]
    pub fn dtype(self) -> DType {
        match self {
            Self::F32Exact => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
        }
    }

    /// Whether kernels for the format exist on a device.
    ///
    /// # Errors
    /// 16 bits on the CPU, and on GPUs that do not compute with the format.
    pub fn check(self, device: &Device) -> Result<()> {
        if self == Self::F32Exact || (is_gpu(device) && device.supports_dtype(self.dtype())) {
            return Ok(());
        }
        Err(Error::argument("precision", self, "f32-exact: the device does not compute in this format"))
    }
}

impl From<Precision> for String {
    fn from(precision: Precision) -> Self {
        precision.to_string()
    }
}

impl TryFrom<String> for Precision {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        name.parse()
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, precision)| precision == self).map(|(name, _)| *name);
        f.write_str(name.expect("every precision has a name"))
    }
}

impl FromStr for Precision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = NAMES.iter().find(|(known, _)| *known == name).map(|(_, precision)| *precision);
        found.ok_or_else(|| Error::argument("precision", name, "f32-exact, bf16 or f16"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for (name, precision) in NAMES {
            assert_eq!(name.parse::<Precision>().expect("is a name"), precision);
            assert_eq!(precision.to_string(), name);
        }
        assert!("float32".parse::<Precision>().is_err());
    }

    #[cfg(feature = "flex")]
    #[test]
    fn the_cpu_computes_in_f32() {
        let device = Device::flex();
        assert!(Precision::F32Exact.check(&device).is_ok());
        for precision in [Precision::Bf16, Precision::F16] {
            let refused = precision.check(&device).expect_err("has no kernels");
            assert!(refused.to_string().contains(&precision.to_string()), "{refused}");
        }
    }
}
