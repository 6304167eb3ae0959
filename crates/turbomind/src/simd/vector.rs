//! Row operations: RMS norm, 8-bit blocks, silu, rotation. Written once over 16 fixed lanes in plain Rust and compiled for
//! each instruction set; the order of operations is the source's, so all give the same bits.

use super::Isa;
use super::exp::{ROUND, exp};
use crate::panel::BlockScale;

/// Compiles a function for every instruction set and picks one.
macro_rules! versions {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        $(
            $(#[$doc])*
            #[allow(clippy::too_many_arguments, reason = "the instruction set comes on top")]
            pub(crate) fn $name(isa: Isa, $($argument: $type),*) $(-> $result)? {
                #[cfg(all(target_arch = "x86_64", not(miri)))]
                {
                    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
                    fn avx512($($argument: $type),*) $(-> $result)? {
                        portable::$name($($argument),*)
                    }
                    #[target_feature(enable = "avx2,fma")]
                    fn avx2($($argument: $type),*) $(-> $result)? {
                        portable::$name($($argument),*)
                    }
                    match isa {
                        Isa::Scalar => portable::$name($($argument),*),
                        // SAFETY: an `Isa` is used only where it is available.
                        Isa::Avx2 | Isa::AvxVnni => unsafe { avx2($($argument),*) },
                        // SAFETY: likewise.
                        Isa::Avx512 => unsafe { avx512($($argument),*) },
                    }
                }
                #[cfg(not(all(target_arch = "x86_64", not(miri))))]
                {
                    let _ = isa;
                    portable::$name($($argument),*)
                }
            }
        )*
    };
}

versions! {
    /// `out = weight * (x / sqrt(mean(x^2) + eps))`; gives the factor, which is not finite when `x` is not.
    ///
    /// # Shapes
    /// - `x`, `weight`, `out`: `[hidden]`
    fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) -> f32;

    /// One block of 32 as [`crate::panel`] says; NaN and infinity give a scale that is NaN.
    fn quantize(x: &[f32; 32], values: &mut [i8; 32]) -> BlockScale;

    /// `gate = silu(gate) * up`.
    fn silu_mul(gate: &mut [f32; 16], up: &[f32; 16]);

    /// Rotates pairs `(x_i, x_{i + d/2})` by the angle of `cos_i, sin_i`.
    ///
    /// # Shapes
    /// - `head`: `[d]`; `cos`, `sin`: `[d / 2]`
    fn rotate(head: &mut [f32], cos: &[f32], sin: &[f32]);
}

mod portable {
    use super::{BlockScale, ROUND, exp};

    #[inline(always)]
    pub(super) fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) -> f32 {
        let mut sums = [0.0_f32; 16];
        let (chunks, rest) = x.as_chunks::<16>();
        for chunk in chunks {
            for lane in 0..16 {
                sums[lane] = chunk[lane].mul_add(chunk[lane], sums[lane]);
            }
        }
        for (sum, x) in sums.iter_mut().zip(rest) {
            *sum = x.mul_add(*x, *sum);
        }
        let mean = reduce(sums) / x.len() as f32;
        let factor = 1.0 / (mean + eps).sqrt();
        for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
            *out = weight * (x * factor);
        }
        // An infinite mean gives a factor of zero.
        if mean.is_finite() { factor } else { f32::NAN }
    }

    /// The sum of 16 lanes, halves onto halves.
    #[inline(always)]
    fn reduce(mut lanes: [f32; 16]) -> f32 {
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
        }
        lanes[0]
    }

    #[inline(always)]
    pub(super) fn quantize(x: &[f32; 32], values: &mut [i8; 32]) -> BlockScale {
        let mut largest = [0.0_f32; 16];
        // Zero, or NaN when any value is NaN or infinite.
        let mut poison = [0.0_f32; 16];
        for (index, x) in x.iter().enumerate() {
            let lane = index % 16;
            largest[lane] = if x.abs() > largest[lane] { x.abs() } else { largest[lane] };
            poison[lane] += x * 0.0;
        }
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                let other = largest[lane + half];
                largest[lane] = if other > largest[lane] { other } else { largest[lane] };
                poison[lane] += poison[lane + half];
            }
        }
        let scale = largest[0] / 127.0 + poison[0];
        // A subnormal scale has no finite inverse; what it stands for is nothing.
        let inverse = if scale >= f32::MIN_POSITIVE { 1.0 / scale } else { 0.0 };
        let mut sums = [0_i32; 2];
        for (half, sum) in sums.iter_mut().enumerate() {
            for i in 16 * half..16 * half + 16 {
                // The low byte of the shifted number is the rounded integer.
                let value = (x[i] * inverse + ROUND).to_bits() as i8;
                values[i] = value;
                *sum += i32::from(value);
            }
        }
        let [low, high] = sums.map(|sum| scale * sum as f32);
        BlockScale { scale, sum: scale * (sums[0] + sums[1]) as f32, low, high }
    }

    #[inline(always)]
    pub(super) fn silu_mul(gate: &mut [f32; 16], up: &[f32; 16]) {
        for lane in 0..16 {
            gate[lane] = gate[lane] / (1.0 + exp(-gate[lane])) * up[lane];
        }
    }

    #[inline(always)]
    pub(super) fn rotate(head: &mut [f32], cos: &[f32], sin: &[f32]) {
        let (first, second) = head.split_at_mut(cos.len());
        for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
            let (x, y) = (*a, *b);
            *a = x * cos - y * sin;
            *b = y * cos + x * sin;
        }
    }
}
