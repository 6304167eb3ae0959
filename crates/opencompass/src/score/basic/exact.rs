//! Verdicts on one answer: is it equal to the reference, by the rules of a published evaluator?

use internlm_model::answer::Number;

use crate::score::post::general;

/// Python's `string.punctuation`.
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// Compares with several references in normal form: `EMEvaluator` of OpenCompass.
///
/// The prediction is normalized by [`general`]. A reference matches as it is or in normal form.
///
/// ```
/// use opencompass::score::exact_match;
/// assert!(exact_match("The Cat!", &["Cat".to_owned()]));
/// assert!(!exact_match("a cat", &["dog".to_owned(), "Cat".to_owned()]));
/// ```
#[must_use]
pub fn exact_match(prediction: &str, references: &[String]) -> bool {
    let prediction = general(prediction);
    references.iter().any(|reference| *reference == prediction || general(reference) == prediction)
}

/// Compares the number of a GSM8K answer: `Gsm8kEvaluator` of OpenCompass.
///
/// Equal strings are right; otherwise `|float(prediction) - int(reference)|` has to be below 1e-6.
#[must_use]
pub fn gsm8k_equal(prediction: &str, reference: &str) -> bool {
    if prediction == reference {
        return true;
    }
    // Python's float() and int() ignore white space around a number.
    let prediction = prediction.trim().parse::<f64>();
    let reference = reference.trim().parse::<i64>();
    matches!((prediction, reference), (Ok(prediction), Ok(reference)) if (prediction - reference as f64).abs() < 1e-6)
}

/// Compares the first word, up to punctuation and in normal form: `LambadaEvaluator` of OpenCompass.
#[must_use]
pub fn lambada_correct(prediction: &str, reference: &str) -> bool {
    let word = prediction.trim().split(' ').next().unwrap_or_default();
    let word = word.split(|letter| PUNCTUATION.contains(letter)).next().unwrap_or_default();
    general(word) == general(reference)
}

/// Compares two numbers by value: `42` and `42.0`, `1,000` and `1000`, `1/2` and `5e-1`. Text that is not a number
/// equals nothing. The relative tolerance of 1e-9 forgives the last digits of a division.
///
/// ```
/// use opencompass::score::number_equal;
/// assert!(number_equal("1,000", "1000.0"));
/// assert!(!number_equal("", ""));
/// ```
#[must_use]
pub fn number_equal(prediction: &str, reference: &str) -> bool {
    let number = |text: &str| Number::parse(text).or_else(|| Number::parse(&text.replace(',', "")));
    let (Some(prediction), Some(reference)) = (number(prediction), number(reference)) else { return false };
    let (a, b) = (prediction.to_f64(), reference.to_f64());
    // Numbers outside the range of machine numbers are equal only digit by digit.
    prediction == reference
        || (a.is_finite() && b.is_finite() && (a - b).abs() <= 1e-9 * a.abs().max(b.abs()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gsm8k_accepts_floats_near_a_whole_number() {
        for (prediction, reference, right) in [
            ("18", "18", true),
            ("18.0000001", "18", true),
            (" 18 ", "18", true),
            ("18.1", "18", false),
            ("NULL", "NULL", true),
            ("NULL", "18", false),
            ("18", "18.5", false),
        ] {
            assert_eq!(gsm8k_equal(prediction, reference), right, "{prediction} / {reference}");
        }
    }

    #[test]
    fn lambada_looks_at_the_first_word_only() {
        for (prediction, reference, right) in [
            (" door.", "door", true),
            ("Door, then", "door", false),
            ("the door", "door", false),
            ("door's end", "door", true),
            ("", "door", false),
        ] {
            assert_eq!(lambada_correct(prediction, reference), right, "{prediction} / {reference}");
        }
    }

    #[test]
    fn text_is_not_a_number() {
        for (prediction, reference) in [("", ""), ("two", "two"), ("nan", "nan"), ("4 2", "42")] {
            assert!(!number_equal(prediction, reference), "{prediction} / {reference}");
        }
        assert!(number_equal("1e3", "1000") && number_equal("0", "-0"));
        assert!(number_equal("1/3", "0.3333333333333") && !number_equal("1/3", "0.333"));
        assert!(!number_equal("1e400", "1e401"), "both are infinite as machine numbers");
    }

    proptest! {
        #[test]
        fn a_number_equals_itself_however_it_is_written(number in -1_000_000_i64..1_000_000) {
            let (decimals, float) = (format!("{number}.00"), format!("{number}.0"));
            prop_assert!(number_equal(&number.to_string(), &decimals));
            prop_assert!(!number_equal(&number.to_string(), &(number + 1).to_string()));
            prop_assert!(gsm8k_equal(&float, &number.to_string()));
        }

        #[test]
        fn a_normal_form_is_its_own_normal_form(text in "[a-zA-Z ,.!?\n]{0,30}") {
            let once = general(&text);
            prop_assert_eq!(general(&once), once.clone());
            prop_assert!(exact_match(&text, &[once]));
        }
    }
}
