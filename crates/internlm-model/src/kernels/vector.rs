//! Elementwise arithmetic in the widest vectors of the machine.
//!
//! Loops are plain functions over slices wrapped in [`vectorized!`], which compiles them for AVX-512, AVX2 and the
//! baseline and picks at run time. Every element sees the same IEEE operations in the same order in each version,
//! so the bits do not depend on the choice.

#![allow(
    unsafe_code,
    reason = "calls of functions compiled for other instruction sets; every block says why it is sound"
)]

/// Defines functions whose bodies are compiled once per instruction set; helpers they call must be
/// `#[inline(always)]` to be compiled along.
macro_rules! vectorized {
    ($($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {
        $(
            $(#[$meta])*
            #[allow(clippy::too_many_arguments, unsafe_code, reason = "written once for all instruction sets")]
            $visibility fn $name($($argument: $kind),*) $(-> $result)? {
                #[inline(always)]
                fn body($($argument: $kind),*) $(-> $result)? $body

                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
                fn with_avx512($($argument: $kind),*) $(-> $result)? {
                    body($($argument),*)
                }

                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2")]
                fn with_avx2($($argument: $kind),*) $(-> $result)? {
                    body($($argument),*)
                }

                match $crate::kernels::vector::instructions() {
                    // SAFETY: the processor has the features.
                    #[cfg(target_arch = "x86_64")]
                    $crate::kernels::vector::Instructions::Avx512 => unsafe { with_avx512($($argument),*) },
                    // SAFETY: the processor has the feature.
                    #[cfg(target_arch = "x86_64")]
                    $crate::kernels::vector::Instructions::Avx2 => unsafe { with_avx2($($argument),*) },
                    $crate::kernels::vector::Instructions::Baseline => body($($argument),*),
                }
            }
        )*
    };
}
pub(crate) use vectorized;

/// Sets of vector instructions the loops are compiled for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Instructions {
    /// 16 floats at a time.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 8 floats at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Whatever every processor of the target has.
    Baseline,
}

/// The widest set of this machine.
#[inline]
pub(crate) fn instructions() -> Instructions {
    #[cfg(target_arch = "x86_64")]
    {
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw");
        if avx512 {
            return Instructions::Avx512;
        }
        if is_x86_feature_detected!("avx2") {
            return Instructions::Avx2;
        }
    }
    Instructions::Baseline
}

/// Independent partial sums of a reduction: one cache line of floats, in every version of the code.
const LANES: usize = 16;

/// Sum of `value(i)` over `0..length`: 16 interleaved partial sums, then pairwise.
#[inline(always)]
pub(crate) fn sum(length: usize, value: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let whole = length / LANES * LANES;
    for start in (0..whole).step_by(LANES) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += value(start + lane);
        }
    }
    for index in whole..length {
        lanes[index - whole] += value(index);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// Sum of products.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    sum(length, |index| a[index] * b[index])
}

/// The largest value, minus infinity for none; NaN is ignored.
#[inline(always)]
pub(crate) fn maximum(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = if chunk[lane] > lanes[lane] { chunk[lane] } else { lanes[lane] };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |best, &value| if value > best { value } else { best })
}

/// `e^x` to about one unit in the last place (Cephes `expf`): `2^n p(r)`, r = x - n ln 2, |r| <= ln 2 / 2.
///
/// Below -70 the result is 0. Shares of 1e-31 change nothing, but multiplied by small factors they would become
/// subnormal numbers, with which products are a hundred times slower.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// Adding and subtracting it rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-70.0, 88.376);
    let n = (clamped * std::f32::consts::LOG2_E + ROUND) - ROUND;
    // ln 2 in two parts, the first exact in few bits.
    let r = (clamped - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let value = (p * r * r + r) + 1.0;
    let scale = f32::from_bits((((n as i32) + 127) << 23) as u32);
    if x < -70.0 { 0.0 } else { value * scale }
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        for step in -700..=880 {
            let x = step as f32 * 0.1 + 0.037;
            let expected = f64::from(x).exp();
            let error = (f64::from(exp(x)) - expected).abs() / expected;
            assert!(error < 2.4e-7, "exp({x}): relative error {error}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert!(exp(f32::NAN).is_nan());
    }

    vectorized! {
        fn wide(values: &[f32]) -> (f32, f32, f32) {
            narrow(values)
        }
    }

    #[inline(always)]
    fn narrow(values: &[f32]) -> (f32, f32, f32) {
        let exps: Vec<f32> = values.iter().map(|&x| exp(x)).collect();
        (sum(exps.len(), |i| exps[i]), dot(&exps, values), maximum(values))
    }

    #[test]
    fn every_version_gives_the_same_bits() {
        let values: Vec<f32> = (0..1003).map(|i| ((i * 37) % 101) as f32 * 0.13 - 5.0).collect();
        let (plain, wide) = (narrow(&values), wide(&values));
        assert_eq!(plain.0.to_bits(), wide.0.to_bits());
        assert_eq!(plain.1.to_bits(), wide.1.to_bits());
        assert_eq!(plain.2.to_bits(), wide.2.to_bits());
    }
}
