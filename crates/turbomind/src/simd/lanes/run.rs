//! [`Isa::run`]: a kernel compiled for an instruction set.

use super::ops::Kernel;
use super::scalar;
#[cfg(all(target_arch = "x86_64", not(miri)))]
use super::{x86_avx2, x86_avx512};
use crate::simd::isa::Isa;

impl Isa {
    /// Runs a kernel with this instruction set; as plain Rust when the machine does not have it.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx512 if self.is_available() => x86_avx512::run(kernel),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx2 | Self::AvxVnni if self.is_available() => x86_avx2::run(kernel),
            _ => kernel.run(scalar::Scalar),
        }
    }
}
