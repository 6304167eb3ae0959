//! Values worked out by hand or by Python's `fractions`.

use proptest::prelude::*;

use super::*;

fn text(expression: &str) -> String {
    match evaluate(expression) {
        Ok(value) => number_text(&value),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn values() {
    for (expression, expected) in [
        ("12*34", "408"),
        ("12 x 34", "408"),
        ("12×34", "408"),
        ("9999 × 9999", "99980001"),
        ("100 ÷ 8", "12.5"),
        ("7 - 9999", "-9992"),
        ("7 − 9", "-2"),
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("10 - 3 - 2", "5"),
        ("-2^2", "-4"),
        ("(-2)^2", "4"),
        ("2^3^2", "512"),
        ("2**-2", "0.25"),
        ("-7 % 3", "2"),
        ("7 % -3", "-2"),
        ("-7 // 2", "-4"),
        ("0.1 + 0.2", "0.3"),
        (".5 * 4.", "2"),
        ("1,234,567 + 1", "1234568"),
        ("10 / 3", "10/3 ≈ 3.333333333333"),
        ("-1/7", "-1/7 ≈ -0.142857142857"),
        ("--5", "5"),
        ("7e-6 * 3", "0.000021"),
        ("2.5E3 + 1", "2501"),
        ("1e+2 - 1e2", "0"),
        ("2e−1", "0.2"),
        ("3e2^2", "90000"),
        ("1_000_000 + 1", "1000001"),
        ("0 x 10", "0"),
        ("10x10", "100"),
        ("1/700", "1/700 ≈ 0.00142857142857"),
        ("-1/7000000000000", "-1/7000000000000 ≈ -1.42857142857e-13"),
        ("1/30000", "1/30000 ≈ 3.33333333333e-5"),
        ("2999999999999999/3e19", "2999999999999999/30000000000000000000 ≈ 1e-4"),
        ("2^100", "1267650600228229401496703205376"),
        ("1/3 + 1/3 + 1/3", "1"),
        ("  ( 1 )  ", "1"),
    ] {
        assert_eq!(text(expression), expected, "{expression}");
    }
}

#[test]
fn problems_name_the_place() {
    for (expression, expected) in [
        ("", "position 1: found the end, expected a number or `(`"),
        ("12 +", "position 5: found the end, expected a number or `(`"),
        ("12 34", "position 4: found `3`, expected an operator or the end"),
        ("(1 + 2", "position 7: found the end, expected an operator or `)`"),
        ("2 * foo", "position 5: found `f`, expected a number or `(`"),
        ("1,23", "position 2: found `,`, expected an operator or the end"),
        ("5 / (2 - 2)", "position 3: division by zero"),
        ("5 % 0", "position 3: division by zero"),
        ("0 ^ -1", "position 3: division by zero"),
        (".", "position 2: found the end, expected a digit"),
        ("1e", "position 3: found the end, expected a digit"),
        ("1e-x", "position 4: found `x`, expected a digit"),
        ("1e99999", "position 2: the result has more than 16384 bits"),
        ("1e9999", "position 2: the result has more than 16384 bits"),
        ("0x10", "position 2: found `x`, expected a decimal number, or `*` for a product"),
        ("0b11", "position 2: found `b`, expected an operator or the end"),
        ("1__0", "position 2: found `_`, expected an operator or the end"),
        ("2 ^ 0.5", "position 3: found the exponent 0.5, expected a whole number of at most 16384"),
        ("9^9^9^9", "position 4: found the exponent"),
        ("(2^16000) * (2^16000)", "position 11: the result has more than 16384 bits"),
        ("12345 ^ 9999", "position 7: the result has more than 16384 bits"),
    ] {
        let found = text(expression);
        assert!(found.starts_with(&format!("error: {expected}")), "{expression}: {found}");
    }
    assert_eq!(text(&"(".repeat(3000)), "error: the expression is too deeply nested");
    assert_eq!(text(&"-".repeat(3000)), "error: the expression is too deeply nested");
    assert_eq!(text(&"1".repeat(5000)), "error: the expression is too long");
}

proptest! {
    #[test]
    fn agrees_with_machine_integers(a in -9_999_i128..10_000, b in -9_999_i128..10_000, c in 1_i128..10_000) {
        prop_assert_eq!(text(&format!("({a}) * ({b}) + {c}")), (a * b + c).to_string());
        prop_assert_eq!(text(&format!("{a} - {c}")), (a - c).to_string());
        prop_assert_eq!(text(&format!("{a} % {c}")), a.rem_euclid(c).to_string());
    }

    #[test]
    fn a_quotient_is_never_shown_as_zero(a in 1_u64.., b in 1_u64..) {
        let text = text(&format!("{a} / {b}"));
        let shown = text.rsplit("≈ ").next().unwrap_or_default().parse::<f64>().expect("a number");
        let quotient = a as f64 / b as f64;
        prop_assert!((shown - quotient).abs() <= 1e-11 * quotient, "{}", text);
    }

    #[test]
    fn any_text_gives_a_value_or_an_error(expression in "[-0-9+*/%^().x_eE ]{0,40}") {
        let _ = evaluate(&expression);
    }
}
