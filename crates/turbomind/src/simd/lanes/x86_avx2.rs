//! [`Avx2`]: [`Lanes`] in two 256-bit registers.

use std::arch::x86_64::*;

use super::ops::{Kernel, LANES, Lanes};

/// Proof that the machine has AVX2, FMA and F16C.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// Runs a kernel compiled for AVX2, FMA and F16C; only for machines that have it.
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[target_feature(enable = "avx2,fma,f16c")]
    fn enter<K: Kernel>(kernel: K, simd: Avx2) -> K::Output {
        kernel.run(simd)
    }
    // SAFETY: `Isa::run`, the only caller, has asked the machine.
    unsafe { enter(kernel, Avx2(())) }
}

/// Intrinsics that touch no memory but the arguments.
macro_rules! intrinsics {
    ($($body:tt)*) => {
        // SAFETY: a value of the type exists only where the machine has the instructions; loads and stores go
        // through references to arrays of the full length and ask no alignment.
        unsafe { $($body)* }
    };
}

impl Lanes for Avx2 {
    type F32 = [__m256; 2];
    const WIDTH: usize = 1;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F32 {
        intrinsics!([_mm256_set1_ps(x); 2])
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Self::F32 {
        intrinsics!([_mm256_loadu_ps(x.as_ptr()), _mm256_loadu_ps(x[8..].as_ptr())])
    }

    #[inline(always)]
    fn store(self, x: Self::F32, to: &mut [f32; LANES]) {
        intrinsics! {
            _mm256_storeu_ps(to.as_mut_ptr(), x[0]);
            _mm256_storeu_ps(to[8..].as_mut_ptr(), x[1]);
        }
    }

    #[inline(always)]
    fn halves(self, x: &[u8; 32]) -> Self::F32 {
        intrinsics! {
            let halves = [_mm_loadu_si128(x.as_ptr().cast()), _mm_loadu_si128(x[16..].as_ptr().cast())];
            [_mm256_cvtph_ps(halves[0]), _mm256_cvtph_ps(halves[1])]
        }
    }

    #[inline(always)]
    fn to_halves(self, x: Self::F32) -> [u8; 32] {
        intrinsics! {
            let mut bytes = [0; 32];
            let low = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x[0]);
            let high = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x[1]);
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), low);
            _mm_storeu_si128(bytes[16..].as_mut_ptr().cast(), high);
            bytes
        }
    }

    #[inline(always)]
    fn bytes(self, x: &[u8; LANES]) -> Self::F32 {
        intrinsics!(floats(_mm_loadu_si128(x.as_ptr().cast())))
    }

    #[inline(always)]
    fn low_nibbles(self, x: &[u8; LANES]) -> Self::F32 {
        intrinsics!(floats(_mm_and_si128(_mm_loadu_si128(x.as_ptr().cast()), _mm_set1_epi8(15))))
    }

    #[inline(always)]
    fn high_nibbles(self, x: &[u8; LANES]) -> Self::F32 {
        // There is no shift of bytes: what a shift of words brings in from the neighbor is masked off.
        intrinsics! {
            let shifted = _mm_srli_epi16::<4>(_mm_loadu_si128(x.as_ptr().cast()));
            floats(_mm_and_si128(shifted, _mm_set1_epi8(15)))
        }
    }

    #[inline(always)]
    fn to_bytes(self, x: Self::F32) -> [u8; LANES] {
        // `packs` works within 128-bit halves, so the quarters are put back in order after the first step.
        intrinsics! {
            let mut bytes = [0; LANES];
            let words = _mm256_packs_epi32(_mm256_cvtps_epi32(x[0]), _mm256_cvtps_epi32(x[1]));
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
            let (low, high) = (_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm_packus_epi16(low, high));
            bytes
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!([_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!([_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!([_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!([_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn larger(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        // Magnitudes are compared as integers, because a float maximum would lose NaN.
        intrinsics! {
            [larger(a[0], b[0]), larger(a[1], b[1])]
        }
    }

    #[inline(always)]
    fn magnitude(self, x: Self::F32) -> f32 {
        // Halved in registers: storing and reloading sixteen lanes costs more than the rest of a block.
        intrinsics! {
            let half = _mm256_castps_si256(larger(x[0], x[1]));
            let quarter = _mm_max_epu32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
            let pair = _mm_max_epu32(quarter, _mm_shuffle_epi32::<0b01_00_11_10>(quarter));
            let one = _mm_max_epu32(pair, _mm_shuffle_epi32::<0b10_11_00_01>(pair));
            _mm_cvtss_f32(_mm_castsi128_ps(one))
        }
    }

    #[inline(always)]
    fn sum(self, x: Self::F32) -> f32 {
        // In the order of `fold`, so that the sum has the same bits.
        intrinsics! {
            let half = _mm256_add_ps(x[0], x[1]);
            let quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
            let pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
            _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)))
        }
    }

    #[inline(always)]
    fn largest(self, x: Self::F32) -> f32 {
        // In the order of `fold`, which decides what becomes of NaN.
        intrinsics! {
            let half = _mm256_max_ps(x[0], x[1]);
            let quarter = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
            let pair = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
            _mm_cvtss_f32(_mm_max_ss(pair, _mm_movehdup_ps(pair)))
        }
    }

    #[inline(always)]
    fn to_signed(self, x: Self::F32) -> [i8; LANES] {
        // `packs` works within 128-bit halves, so the quarters are put back in order after the first step.
        intrinsics! {
            let mut bytes = [0; LANES];
            let words = _mm256_packs_epi32(_mm256_cvtps_epi32(x[0]), _mm256_cvtps_epi32(x[1]));
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
            let (low, high) = (_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm_packs_epi16(low, high));
            bytes
        }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
        intrinsics!([_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])])
    }

    #[inline(always)]
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!([_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
        intrinsics!([_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn round(self, x: Self::F32) -> Self::F32 {
        intrinsics! {
            const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
            [_mm256_round_ps::<NEAREST>(x[0]), _mm256_round_ps::<NEAREST>(x[1])]
        }
    }

    #[inline(always)]
    fn times_power(self, x: Self::F32, n: Self::F32) -> Self::F32 {
        intrinsics!([times_power(x[0], n[0]), times_power(x[1], n[1])])
    }

    #[inline(always)]
    fn prefetch<T>(self, x: &T) {
        intrinsics! {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(x).cast());
        }
    }

    #[inline(always)]
    fn keep_first(self, x: Self::F32, count: usize, rest: Self::F32) -> Self::F32 {
        intrinsics! {
            let count = _mm256_set1_epi32(count.min(LANES) as i32);
            let low = _mm256_cmpgt_epi32(count, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
            let high = _mm256_cmpgt_epi32(count, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15));
            [
                _mm256_blendv_ps(rest[0], x[0], _mm256_castsi256_ps(low)),
                _mm256_blendv_ps(rest[1], x[1], _mm256_castsi256_ps(high)),
            ]
        }
    }
}

/// Sixteen unsigned bytes as floats.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn floats(bytes: __m128i) -> [__m256; 2] {
    let high = _mm_unpackhi_epi64(bytes, bytes);
    [_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(high))]
}

/// `x * 2^n`, by adding n to the exponent, the field from bit 23 on.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn times_power(x: __m256, n: __m256) -> __m256 {
    let power = _mm256_slli_epi32::<23>(_mm256_cvtps_epi32(n));
    _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), power))
}

/// The larger magnitude of each lane. Magnitudes are compared as integers, because a float maximum would lose NaN.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn larger(a: __m256, b: __m256) -> __m256 {
    let sign = _mm256_set1_ps(-0.0);
    let (a, b) = (_mm256_andnot_ps(sign, a), _mm256_andnot_ps(sign, b));
    _mm256_castsi256_ps(_mm256_max_epu32(_mm256_castps_si256(a), _mm256_castps_si256(b)))
}
