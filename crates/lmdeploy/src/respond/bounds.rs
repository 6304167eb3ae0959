//! [`expected`]: the refusal of a field that is out of its range.

use std::fmt::{Display, LowerExp};

use crate::{Error, Result};

/// Length from which a number is written with an exponent.
const MAX_DIGITS: usize = 24;

/// A field that is out of its range.
pub(super) fn expected(name: &str, found: Option<impl Display>, range: &str) -> Error {
    let found = found.map_or_else(|| "nothing".to_owned(), |found| found.to_string());
    Error::field(name, format!("found {found}, expected {range}"))
}

/// Checks a number that may be absent.
pub(super) fn check(name: &str, value: Option<f32>, fits: impl Fn(f32) -> bool, range: &str) -> Result<()> {
    match value {
        Some(value) if !fits(value) => Err(expected(name, Some(short(value)), range)),
        _ => Ok(()),
    }
}

/// A number as it was sent, but without a long row of zeros.
pub(super) fn short(number: impl Display + LowerExp) -> String {
    let text = number.to_string();
    if text.len() > MAX_DIGITS { format!("{number:e}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_a_few_digits() {
        assert_eq!((short(2.5_f32), short(1e300)), ("2.5".to_owned(), "1e300".to_owned()));
        let error = check("min_p", Some(1.5), |p| (0.0..=1.0).contains(&p), "a number in [0, 1]");
        assert_eq!(
            error.expect_err("too large").to_string(),
            "min_p: found 1.5, expected a number in [0, 1]"
        );
        assert!(check("min_p", None, |_| false, "nothing").is_ok());
    }
}
