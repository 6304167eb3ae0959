//! The logistic function and its logarithm, without overflow.

/// `s(x) = 1 / (1 + e^-x)`.
pub(super) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let power = x.exp();
        power / (1.0 + power)
    }
}

/// `log s(x)`.
pub(super) fn ln_sigmoid(x: f64) -> f64 {
    if x >= 0.0 { -(-x).exp().ln_1p() } else { x - x.exp().ln_1p() }
}

/// Derivative of `s` at x: `s(x) s(-x)`.
pub(super) fn sigmoid_slope(x: f64) -> f64 {
    sigmoid(x) * sigmoid(-x)
}

/// `log(1 - e^l)` for l of at most 0; minus infinity at 0 (Mächler: "Accurately computing log(1 - exp(-|a|))", 2012).
pub(super) fn ln_one_minus_exp(l: f64) -> f64 {
    if l > -std::f64::consts::LN_2 { (-l.exp_m1()).ln() } else { (-l.exp()).ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_right_at_both_ends() {
        for x in [-800.0, -30.0, -1.0, 0.0, 1.0, 30.0, 800.0] {
            assert!((sigmoid(x) + sigmoid(-x) - 1.0).abs() < 1e-15, "{x}");
            assert!((ln_sigmoid(x) - ln_sigmoid(-x) - x).abs() <= 1e-12 * x.abs(), "{x}");
            assert!(ln_sigmoid(x) <= 0.0 && ln_sigmoid(x).is_finite(), "{x}");
        }
        assert!((ln_sigmoid(0.0) + std::f64::consts::LN_2).abs() < 1e-15);
        for l in [-1e-12, -0.1, -0.7, -5.0] {
            let expected = (1.0 - f64::exp(l)).ln();
            assert!((ln_one_minus_exp(l) - expected).abs() < 1e-4, "{l}");
        }
        assert_eq!(ln_one_minus_exp(0.0), f64::NEG_INFINITY);
        assert!((ln_one_minus_exp(-1e-30) - (1e-30_f64).ln()).abs() < 1e-12, "no digits are lost near 0");
    }
}
