//! [`Isa`]: the instruction sets, and which of them this machine has.

use std::sync::OnceLock;

/// An instruction set that kernels exist for; the order is from slow to fast.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Isa {
    /// Plain Rust: no instruction set is assumed.
    Scalar,
    /// AVX2 and FMA: 256 bits, `vpmaddubsw`.
    Avx2,
    /// AVX2 with AVX-VNNI: 256 bits, `vpdpbusd`.
    AvxVnni,
    /// AVX-512 F/BW/VL/DQ with VNNI and BF16: 512 bits.
    Avx512,
}

impl Isa {
    /// All instruction sets, slowest first.
    pub const ALL: [Self; 4] = [Self::Scalar, Self::Avx2, Self::AvxVnni, Self::Avx512];

    /// Finds the fastest instruction set of this machine.
    #[must_use]
    pub fn detect() -> Self {
        Self::ALL.into_iter().rev().find(|isa| isa.is_available()).unwrap_or(Self::Scalar)
    }

    /// Whether this machine has the instruction set; the answer is asked for once and kept.
    #[must_use]
    pub fn is_available(self) -> bool {
        static AVAILABLE: OnceLock<[bool; 4]> = OnceLock::new();
        AVAILABLE.get_or_init(|| Self::ALL.map(Self::is_detected))[self as usize]
    }

    /// Asks the processor for the features that the kernels use.
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
