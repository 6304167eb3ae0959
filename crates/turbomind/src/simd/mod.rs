//! The kernels, written once per instruction set: [`scalar`](self) is the readable definition, the others give the same bits
//! on all 8-bit paths.
#![allow(unsafe_code)]

pub(crate) mod attention;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx512;
pub(crate) mod lanes;
mod peak;
pub mod scalar;
pub(crate) mod vector;

pub use peak::peak_gmac_s;

use std::ops::Range;
use std::sync::OnceLock;

use crate::panel::Panel;
use crate::tile::TileFormat;

/// An instruction set.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Isa {
    /// Plain Rust.
    Scalar,
    /// AVX2 and FMA: 256 bits, `vpmaddubsw`.
    Avx2,
    /// AVX2 with AVX-VNNI: 256 bits, `vpdpbusd`.
    AvxVnni,
    /// AVX-512 F/BW/VL/DQ with VNNI and BF16: 512 bits.
    Avx512,
}

impl Isa {
    /// Every instruction set, slowest first.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Avx2, Self::AvxVnni, Self::Avx512];

    /// The fastest this machine has.
    #[must_use]
    pub fn detect() -> Self {
        Self::ALL.into_iter().rev().find(|isa| isa.is_available()).unwrap_or(Self::Scalar)
    }

    /// Whether this machine has it.
    #[must_use]
    pub fn is_available(self) -> bool {
        static AVAILABLE: OnceLock<[bool; 4]> = OnceLock::new();
        AVAILABLE.get_or_init(|| Self::ALL.map(Self::is_detected))[self as usize]
    }

    /// Asks the machine.
    fn is_detected(self) -> bool {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vnni")
                && is_x86_feature_detected!("avx512bf16");
            match self {
                Self::Scalar => true,
                Self::Avx2 => avx2,
                Self::AvxVnni => avx2 && is_x86_feature_detected!("avxvnni"),
                Self::Avx512 => avx2 && avx512,
            }
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        {
            self == Self::Scalar
        }
    }

    /// The name on the command line: `avx512`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::AvxVnni => "avxvnni",
            Self::Avx512 => "avx512",
        }
    }
}

/// Column groups of an integer format times rows of 8-bit activations.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    /// The records of `groups` whole column groups.
    pub tiles: &'a [u8],
    /// Column groups.
    pub groups: usize,
    /// The activations; `panel.blocks * 32` is the inner length.
    pub panel: &'a Panel,
    /// First row of the panel to multiply; how many is the length of the output.
    pub first_row: usize,
}

/// Column groups of a float format times rows of f32 activations; with [`crate::Compute::F32`] any format.
#[derive(Clone, Copy, Debug)]
pub struct Floats<'a> {
    /// The records of `groups` whole column groups.
    pub tiles: &'a [u8],
    /// Column groups.
    pub groups: usize,
    /// Row-major activations, `inputs` apart.
    pub rows: &'a [f32],
    /// Inner length.
    pub inputs: usize,
}

/// `out[group * rows + row][n]` = the dot product of output `16 group + n` with activation row `first_row + row`;
/// `out` is overwritten, and `out.len() / groups` is the number of rows.
pub type BlocksFn = fn(&Blocks<'_>, out: &mut [[f32; 16]]);

/// As [`BlocksFn`] with float activations; all of `rows` is multiplied.
pub type FloatsFn = fn(&Floats<'_>, out: &mut [[f32; 16]]);

impl Isa {
    /// The kernel for an integer format; the scalar one where this machine lacks the instruction set.
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
        kernel.unwrap_or_else(|| scalar::blocks(format))
    }

    /// The kernel for a float format; likewise.
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

/// Rows of a call.
pub(crate) fn rows_of(groups: usize, out: &[[f32; 16]]) -> Range<usize> {
    0..out.len() / groups.max(1)
}
