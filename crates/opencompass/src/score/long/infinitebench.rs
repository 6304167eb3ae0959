//! InfiniteBench: OpenCompass 0.5.4 `datasets/infinitebench` (Apache-2.0).

use crate::score::ScoredItem;
use crate::score::text::first_reference;
use crate::score::text::words::words;

/// Signs that divide words.
const DIVIDERS: [char; 10] = ['\n', ':', '"', '\'', '.', ',', '?', '!', '{', '}'];

/// `InfiniteBenchendiaEvaluator`: the first reference is one of the words in upper case.
pub(super) fn dialogue(item: &ScoredItem<'_>) -> bool {
    let text = item.pred_text().replace(DIVIDERS, " ").to_uppercase();
    let reference = first_reference(item);
    words(&text).any(|word| word == reference)
}

/// `InfiniteBenchretrievekvEvaluator`: the reference is one of the words.
pub(super) fn key_value(item: &ScoredItem<'_>) -> bool {
    let text = item.pred_text().replace(DIVIDERS, " ");
    let reference = first_reference(item);
    words(&text).any(|word| word == reference)
}

/// `InfiniteBenchmathcalcEvaluator`: how many numbers are right before the first wrong one. The metric is the mean count
/// times 100.
pub(super) fn calculation(item: &ScoredItem<'_>) -> f64 {
    let text = item.pred_text();
    let numbers = text.split(|letter: char| !letter.is_ascii_digit()).filter(|number| !number.is_empty());
    let equal = |(number, reference): &(&str, String)| plain(number) == plain(reference);
    numbers.zip(item.references()).take_while(equal).count() as f64
}

/// A number without leading zeros.
fn plain(number: &str) -> &str {
    let digits = number.trim_start_matches('0');
    if digits.is_empty() && !number.is_empty() { "0" } else { digits }
}
