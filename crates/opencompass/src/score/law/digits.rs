//! Whole numbers in digits.

/// Reads a whole number in ASCII or full-width digits. A number that is too large becomes the largest one.
pub(super) fn number(text: &str) -> Option<u128> {
    if text.is_empty() {
        return None;
    }
    text.chars().try_fold(0_u128, |number, letter| {
        let digit = digit(letter)?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

/// Returns the value of a digit.
fn digit(letter: char) -> Option<u128> {
    let letter = match letter {
        '０'..='９' => char::from_u32(u32::from(letter) - u32::from('０') + u32::from('0'))?,
        other => other,
    };
    letter.to_digit(10).map(u128::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_and_other_text_is_not() {
        for (text, expected) in [("007", Some(7)), ("２６", Some(26)), ("", None), ("1a", None), ("-1", None)]
        {
            assert_eq!(number(text), expected, "{text}");
        }
        assert_eq!(number(&"9".repeat(60)), Some(u128::MAX));
    }
}
