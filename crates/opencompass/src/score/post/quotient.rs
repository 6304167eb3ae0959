//! Products and quotients of numbers in LaTeX or Python, as Python prints their values.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::pattern::built_in;
use crate::prompt::python_str;

static FRACTION: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"\A\\[dt]?frac\{\s*([0-9.]+)\s*\}\{\s*([0-9.]+)\s*\}\z"));
/// A number, with a power if it has one.
static POWER: LazyLock<Regex> = LazyLock::new(|| {
    built_in(r"\A([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+\.?[0-9]*|\.[0-9]+)(?:\^\{?(-?[0-9]{1,3})\}?)?\z")
});

/// The value of a formula that has only numbers, their powers, `*`, `/` and their LaTeX, with one sign in front.
pub(super) fn evaluated(formula: &str) -> Option<String> {
    let formula = formula.trim().replace("\\times", "*").replace("\\cdot", "*");
    let (sign, formula) = match formula.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, formula.strip_prefix('+').unwrap_or(&formula)),
    };
    let mut value = sign;
    let mut whole = true;
    let mut divides = false;
    for (place, part) in formula.split_inclusive(['*', '/']).enumerate() {
        let is_last = place == formula.matches(['*', '/']).count();
        let number = if is_last { part } else { &part[..part.len() - 1] };
        let factor = factor(number.trim())?;
        whole &= !number.contains('.');
        value = if divides { value / factor } else { value * factor };
        divides = part.ends_with('/');
    }
    // An operator at the end, or nothing at all, is not a formula.
    if formula.is_empty() || formula.ends_with(['*', '/']) {
        return None;
    }
    // The parser that upstream uses computes with 15 digits.
    let value: f64 = format!("{value:.14e}").parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    let is_integer = whole && value.fract() == 0.0 && value.abs() < 1e15;
    // The sum turns -0 into 0.
    Some(if is_integer { format!("{:.0}", value + 0.0) } else { python_str(&Value::from(value)) })
}

/// The value of a fraction, a number or its power.
fn factor(formula: &str) -> Option<f64> {
    if let Some(found) = FRACTION.captures(formula) {
        return Some(found[1].parse::<f64>().ok()? / found[2].parse::<f64>().ok()?);
    }
    let found = POWER.captures(formula)?;
    let base: f64 = found[1].replace(',', "").parse().ok()?;
    match found.get(2) {
        Some(exponent) => Some(base.powi(exponent.as_str().parse().ok()?)),
        None => Some(base),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_in_python() {
        for (formula, value) in [
            ("-219", Some("-219")),
            ("3.50", Some("3.5")),
            ("6/3", Some("2")),
            ("1/4", Some("0.25")),
            ("3*3.14", Some("9.42")),
            (r"2 \times \frac{1}{2}", Some("1")),
            ("10^{5}", Some("100000")),
            ("1,200", Some("1200")),
            (r"2 \times 3.5", Some("7.0")),
            (r"2\frac{1}{2}", None),
            ("2*", None),
            ("1/0", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(evaluated(formula).as_deref(), value, "{formula}");
        }
    }
}
