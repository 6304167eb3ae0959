//! Values worked out by hand or by Python's `fractions`.

use proptest::prelude::*;

use super::*;

fn text(expression: &str) -> String {
    match evaluate(expression) {
        Ok(value) => value.to_string(),
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
fn functions() {
    for (expression, expected) in [
        ("sqrt(16/9)", "4/3 ≈ 1.333333333333"),
        ("sqrt(2)", "≈ 1.41421356237"),
        ("2 ^ 0.5", "≈ 1.41421356237"),
        ("27^(1/3) + 8^(2/3)", "7"),
        ("(-8)^(1/3)", "-2"),
        ("cbrt(-27)", "-3"),
        ("root(81, 4)", "3"),
        ("abs(-3.5) + floor(-1.5) + ceil(1.2) + trunc(-1.9)", "2.5"),
        ("round(2.5) + round(-2.5)", "0"),
        ("round(10/3, 2)", "3.33"),
        ("max(1, 234) - min(4, 3, 5)", "231"),
        ("max(1,234)", "234"),
        ("mean(1, 2, 6) + sum(1, 2)", "6"),
        ("gcd(12, -18) + lcm(4, 6)", "18"),
        ("lcm(0, 0)", "0"),
        ("5! + factorial(3)", "126"),
        ("comb(52, 5)", "2598960"),
        ("perm(5, 2) + binomial(3, 4)", "20"),
        ("mod(-7, 3)", "2"),
        ("pow(2, 10)", "1024"),
        ("log10(1000) + log2(1/8) + log(81, 3)", "4"),
        ("lg(2)", "≈ 0.301029995664"),
        ("ln(1)", "0"),
        ("log(10)", "≈ 2.30258509299"),
        ("exp(0) + cos(0) + sin(0)", "2"),
        ("2 * pi * 3", "≈ 18.8495559215"),
        ("sin(pi)", "≈ 0"),
        ("sin(30 deg)", "≈ 0.5"),
        ("4 * atan(1)", "≈ 3.14159265359"),
        ("atan2(1, 1) / pi", "≈ 0.25"),
        ("hypot(3, 4)", "5"),
        ("degrees(pi)", "≈ 180"),
        ("pi^100", "≈ 5.18784831432e49"),
        ("1e-9 * pi", "≈ 3.14159265359e-9"),
    ] {
        assert_eq!(text(expression), expected, "{expression}");
    }
}

#[test]
fn units_are_computed_and_converted() {
    for (expression, expected) in [
        ("3 km + 200 m", "3200 m"),
        ("3 km + 200 m in km", "3.2 km"),
        ("5 kilometers to mi", "78125/25146 ≈ 3.106855961187 mi"),
        ("6 km / 2 h to km/h", "3 km/h"),
        ("90 km / 1.5 h to m/s", "50/3 ≈ 16.666666666667 m/s"),
        ("60 mph in km/h", "96.56064 km/h"),
        ("10 in to cm", "25.4 cm"),
        ("3 in", "0.0762 m"),
        ("6 feet + 2 inches to cm", "187.96 cm"),
        ("2 m^2 * 3 m", "6 m^3"),
        ("(2 m)^2", "4 m^2"),
        ("sqrt(9 m^2)", "3 m"),
        ("hypot(3 cm, 4 cm) to mm", "50 mm"),
        ("1 N", "1 m*kg/s^2"),
        ("1 kWh to MJ", "3.6 MJ"),
        ("5 Hz", "5 1/s"),
        ("1 GiB in MB", "1073.741824 MB"),
        ("7 min // 2 min", "3"),
        ("7 min % 2 min to s", "60 s"),
        ("20 percent * 50", "10"),
        ("5 x 3 kg", "15 kg"),
        ("1 eV to J", "0.0000000000000000001602176634 J"),
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
        ("2 * foo", "position 5: found the name `foo`, expected a function, a unit, `pi` or `e`"),
        ("max", "position 1: found the name `max`, expected a function, a unit, `pi` or `e`"),
        ("max(1", "position 6: found the end, expected an operator, `,` or `)`"),
        ("sqrt(-1)", "position 1: sqrt: found -1, expected a number and a unit with a real root"),
        ("sqrt(1, 2)", "position 1: sqrt: found 2 arguments, expected another number of arguments"),
        ("mod(1)", "position 1: mod: found 1 arguments, expected another number of arguments"),
        ("gcd(1/2, 3)", "position 1: gcd: found 0.5, expected a whole number"),
        ("ln(0)", "position 1: ln: found 0, expected a number above 0"),
        ("sin(1 m)", "position 1: sin: found 1 m, expected a plain number"),
        ("9999!", "position 5: the result has more than 16384 bits"),
        ("1 m + 1 s", "position 5: found s, expected m"),
        ("1 m + 1", "position 5: found 1, expected m"),
        ("5 km to h", "position 6: found s, expected m"),
        ("max(1 m, 1 kg)", "position 1: found kg, expected m"),
        ("2 ^ (1 m)", "position 3: found an exponent in m, expected a plain number"),
        ("(-2) ^ 0.5", "position 6: found the exponent 0.5"),
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
