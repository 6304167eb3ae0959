//! LAMBADA: `LambadaEvaluator` of OpenCompass.

use super::post::general;

/// Python's `string.punctuation`, as a regular expression class sees it.
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// The first word up to punctuation equals the reference; both in normal form.
#[must_use]
pub fn lambada_correct(prediction: &str, reference: &str) -> bool {
    let word = prediction.trim().split(' ').next().unwrap_or_default();
    let word = word.split(|letter| PUNCTUATION.contains(letter)).next().unwrap_or_default();
    general(word) == general(reference)
}
