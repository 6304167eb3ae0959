//! [`exp2`]: powers of two, for softmax and silu.

use std::f32::consts::LN_2;

use super::ops::Lanes;

/// `2^x` for `x <= 127`, within 7e-8 of the value; below -125 it stays at `2^-125`, 0 gives exactly 1, NaN gives NaN.
///
/// `2^x = 2^n 2^r` with `n = round(x)`; a polynomial through Chebyshev nodes gives `2^r` for `|r| <= 1/2`.
#[inline(always)]
pub(crate) fn exp2<S: Lanes>(simd: S, x: S::F32) -> S::F32 {
    const C: [f32; 6] = [0.000_154_531_63, 0.001_339_086_3, 0.009_618_083, 0.055_503_57, 0.240_226_5, LN_2];
    let x = simd.max(simd.splat(-125.0), x);
    let n = simd.round(x);
    let r = simd.sub(x, n);
    let mut y = simd.splat(C[0]);
    for c in &C[1..] {
        y = simd.mul_add(y, r, simd.splat(*c));
    }
    y = simd.mul_add(y, r, simd.splat(1.0));
    simd.times_power(y, n)
}
