//! `exp` in f32, one order of operations for every instruction set.
//!
//! Range reduction `x = n ln 2 + r`, `|r| <= ln 2 / 2` (Cody and Waite), a polynomial of degree 6 in r, and `2^n` put
//! into the exponent. At most 2 units in the last place from the exact value; 0 below -87.3, infinity never: above
//! 88.3 it stays at `exp(88.3)`.

/// Adding and subtracting it rounds to an integer, half to even; its low bits then hold that integer.
pub(crate) const ROUND: f32 = 12_582_912.0;

/// Taylor coefficients 1/6! to 1/2!, adjusted for the interval (Cephes `expf.c`).
const COEFFICIENTS: [f32; 6] =
    [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5.000_000_1e-1];

/// `e^x`.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Comparisons, not `clamp`: a NaN must stay one.
    let small = x < -87.3;
    let x = if x > 88.3 { 88.3 } else { x };
    let x = if small { -87.3 } else { x };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let mut p = COEFFICIENTS[0];
    for coefficient in &COEFFICIENTS[1..] {
        p = p.mul_add(r, *coefficient);
    }
    let value = (p * r).mul_add(r, r) + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    if small { 0.0 } else { value * power }
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn exp_is_close_everywhere() {
        for i in -8_700..8_800 {
            let x = i as f32 * 0.01 + 0.003;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 2.4e-7, "exp({x}): {error}");
        }
        assert_eq!((exp(0.0), exp(-1000.0)), (1.0, 0.0));
        assert!(exp(f32::NAN).is_nan() && exp(f32::INFINITY) > 1e38 && exp(f32::NEG_INFINITY) == 0.0);
    }
}
