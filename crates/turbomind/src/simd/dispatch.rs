//! Which kernel multiplies a format on an instruction set.
//!
//! A kernel is handed out only where the machine has its instructions; the kernels rely on that.

use super::isa::Isa;
use super::product::{BlocksFn, FloatsFn};
use super::scalar;
#[cfg(all(target_arch = "x86_64", not(miri)))]
use super::{avx2, avx512};
use crate::tile::TileFormat;

impl Isa {
    /// Chooses the kernel for an integer format: the scalar one where this machine lacks the instruction set.
    #[doc(hidden)]
    #[must_use]
    pub fn blocks(self, format: TileFormat) -> BlocksFn {
        let kernel: Option<BlocksFn> = match self {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx2 => avx2::blocks(format),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::AvxVnni => avx2::blocks_vnni(format),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx512 if self.is_available() => avx512::blocks(format),
            _ => None,
        };
        // What no instruction set offers falls back to the definition, so every format works everywhere.
        kernel.unwrap_or_else(|| scalar::blocks(format))
    }

    /// Chooses the kernel for a float format: the scalar one where this machine lacks the instruction set.
    #[doc(hidden)]
    #[must_use]
    pub fn floats(self, format: TileFormat) -> FloatsFn {
        let kernel: Option<FloatsFn> = match self {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx2 | Self::AvxVnni => avx2::floats(format),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx512 if self.is_available() => avx512::floats(format),
            _ => None,
        };
        kernel.unwrap_or_else(|| scalar::floats(format))
    }
}
