//! Numbers as they are written.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::expr::Expr;

/// The maximum exponent of ten in a number.
const MAX_EXPONENT: u32 = 400;

/// Reads digits with or without a decimal point.
pub(super) fn number(text: &str) -> Option<Expr> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
    if !text.contains('.') {
        return Some(Expr::Number(BigRational::from_integer(digits)));
    }
    let scale = BigInt::from(10).pow(u32::try_from(fraction.len()).ok()?);
    Some(Expr::Decimal(BigRational::new(digits, scale)))
}

/// Reads a number such as `6.02E23`.
pub(super) fn scientific(text: &str) -> Option<Expr> {
    let (mantissa, exponent) = text.split_once('E')?;
    let exponent: i32 = exponent.trim_start_matches('+').parse().ok()?;
    if exponent.unsigned_abs() > MAX_EXPONENT {
        return None;
    }
    let scale = BigRational::from_integer(BigInt::from(10).pow(exponent.unsigned_abs()));
    let (Expr::Number(value) | Expr::Decimal(value)) = number(mantissa)? else { return None };
    Some(Expr::Decimal(if exponent < 0 { value / scale } else { value * scale }))
}

/// Reads a whole text such as `1,234,567.5` as one number rather than as a list.
pub(super) fn grouped_number(text: &str) -> Option<Expr> {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(a, b)| (a, Some(b)));
    let mut groups = whole.split(',');
    let all_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next()?;
    let starts = (1..=3).contains(&first.len()) && all_digits(first);
    let mut others = 0;
    for group in groups {
        if group.len() != 3 || !all_digits(group) {
            return None;
        }
        others += 1;
    }
    let ends = fraction.is_none_or(|fraction| !fraction.is_empty() && all_digits(fraction));
    if !starts || others == 0 || !ends {
        return None;
    }
    // A leading zero makes it a decimal number with a comma.
    let plain = if first.starts_with('0') { digits.replacen(',', ".", 1) } else { digits.to_owned() };
    let value = number(&plain.replace(',', ""))?;
    Some(if text.starts_with('-') { value.negated() } else { value })
}
