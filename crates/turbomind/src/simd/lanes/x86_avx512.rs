//! [`Avx512`]: [`Lanes`] in one 512-bit register.

use std::arch::x86_64::*;

use super::ops::{Kernel, LANES, Lanes};

/// Proof that the machine has AVX-512.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// Runs a kernel compiled for AVX-512; only for machines that have it.
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
    fn enter<K: Kernel>(kernel: K, simd: Avx512) -> K::Output {
        kernel.run(simd)
    }
    // SAFETY: `Isa::run`, the only caller, has asked the machine.
    unsafe { enter(kernel, Avx512(())) }
}

/// Intrinsics that touch no memory but the arguments.
macro_rules! intrinsics {
    ($($body:tt)*) => {
        // SAFETY: a value of the type exists only where the machine has the instructions; loads and stores go
        // through references to arrays of the full length and ask no alignment.
        unsafe { $($body)* }
    };
}

impl Lanes for Avx512 {
    type F32 = __m512;
    const WIDTH: usize = 4;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F32 {
        intrinsics!(_mm512_set1_ps(x))
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Self::F32 {
        intrinsics!(_mm512_loadu_ps(x.as_ptr()))
    }

    #[inline(always)]
    fn store(self, x: Self::F32, to: &mut [f32; LANES]) {
        intrinsics! {
            _mm512_storeu_ps(to.as_mut_ptr(), x);
        }
    }

    #[inline(always)]
    fn halves(self, x: &[u8; 32]) -> Self::F32 {
        intrinsics!(_mm512_cvtph_ps(_mm256_loadu_si256(x.as_ptr().cast())))
    }

    #[inline(always)]
    fn to_halves(self, x: Self::F32) -> [u8; 32] {
        intrinsics! {
            let mut bytes = [0; 32];
            let halves = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x);
            _mm256_storeu_si256(bytes.as_mut_ptr().cast(), halves);
            bytes
        }
    }

    #[inline(always)]
    fn bytes(self, x: &[u8; LANES]) -> Self::F32 {
        intrinsics!(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(x.as_ptr().cast()))))
    }

    #[inline(always)]
    fn low_nibbles(self, x: &[u8; LANES]) -> Self::F32 {
        intrinsics! {
            let wide = _mm512_cvtepu8_epi32(_mm_loadu_si128(x.as_ptr().cast()));
            _mm512_cvtepi32_ps(_mm512_and_si512(wide, _mm512_set1_epi32(15)))
        }
    }

    #[inline(always)]
    fn high_nibbles(self, x: &[u8; LANES]) -> Self::F32 {
        intrinsics! {
            let wide = _mm512_cvtepu8_epi32(_mm_loadu_si128(x.as_ptr().cast()));
            _mm512_cvtepi32_ps(_mm512_srli_epi32::<4>(wide))
        }
    }

    #[inline(always)]
    fn to_bytes(self, x: Self::F32) -> [u8; LANES] {
        intrinsics! {
            let mut bytes = [0; LANES];
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)));
            bytes
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!(_mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!(_mm512_div_ps(a, b))
    }

    #[inline(always)]
    fn larger(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // Magnitudes are compared as integers, because a float maximum would lose NaN.
        intrinsics! {
            let (a, b) = (_mm512_castps_si512(_mm512_abs_ps(a)), _mm512_castps_si512(_mm512_abs_ps(b)));
            _mm512_castsi512_ps(_mm512_max_epu32(a, b))
        }
    }

    #[inline(always)]
    fn magnitude(self, x: Self::F32) -> f32 {
        // Halved in registers: storing and reloading sixteen lanes costs more than the rest of a block.
        intrinsics! {
            let x = _mm512_castps_si512(_mm512_abs_ps(x));
            let half = _mm256_max_epu32(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64::<1>(x));
            let quarter = _mm_max_epu32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
            let pair = _mm_max_epu32(quarter, _mm_shuffle_epi32::<0b01_00_11_10>(quarter));
            let one = _mm_max_epu32(pair, _mm_shuffle_epi32::<0b10_11_00_01>(pair));
            _mm_cvtss_f32(_mm_castsi128_ps(one))
        }
    }

    #[inline(always)]
    fn to_signed(self, x: Self::F32) -> [i8; LANES] {
        intrinsics! {
            let mut bytes = [0; LANES];
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)));
            bytes
        }
    }

    #[inline(always)]
    fn sum(self, x: Self::F32) -> f32 {
        // In the order of `fold`, so that the sum has the same bits.
        intrinsics! {
            let half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps::<1>(x));
            let quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
            let pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
            _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)))
        }
    }

    #[inline(always)]
    fn largest(self, x: Self::F32) -> f32 {
        // In the order of `fold`, which decides what becomes of NaN.
        intrinsics! {
            let half = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps::<1>(x));
            let quarter = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
            let pair = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
            _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)))
        }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        intrinsics!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!(_mm512_max_ps(a, b))
    }

    #[inline(always)]
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!(_mm512_min_ps(a, b))
    }

    #[inline(always)]
    fn round(self, x: Self::F32) -> Self::F32 {
        intrinsics!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x))
    }

    #[inline(always)]
    fn times_power(self, x: Self::F32, n: Self::F32) -> Self::F32 {
        // The exponent is the field from bit 23 on; x and the result are normal, so nothing carries out of it.
        intrinsics! {
            let power = _mm512_slli_epi32::<23>(_mm512_cvtps_epi32(n));
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x), power))
        }
    }

    #[inline(always)]
    fn prefetch<T>(self, x: &T) {
        intrinsics! {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(x).cast());
        }
    }

    #[inline(always)]
    fn keep_first(self, x: Self::F32, count: usize, rest: Self::F32) -> Self::F32 {
        intrinsics!(_mm512_mask_blend_ps(((1_u32 << count.min(LANES)) - 1) as u16, rest, x))
    }
}
