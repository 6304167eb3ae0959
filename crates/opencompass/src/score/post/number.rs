//! Numbers in answers.

use std::sync::LazyLock;

use internlm_model::answer::{Number, final_number, first_number};
use regex::Regex;

use super::pattern::built_in;
use super::plain::simple;
use super::post::Apply;
use super::registry::PostEntry;
use crate::Result;
use crate::dataset::Named;
use crate::score::Reading;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry { name: "first_number_postprocess", upstream: &[], has_fixed: true, make: make_first },
    PostEntry {
        name: "last_number",
        upstream: &[],
        has_fixed: false,
        make: |named, _| simple(named, |text| last(text).unwrap_or_default()),
    },
    PostEntry {
        name: "gsm8k",
        upstream: &["gsm8k_postprocess"],
        has_fixed: true,
        make: |named, reading| match reading {
            Reading::Compat => simple(named, gsm8k),
            Reading::Fixed => simple(named, |text| last(text).unwrap_or_else(|| "NULL".to_owned())),
        },
    },
    PostEntry {
        name: "gsm8k_dataset",
        upstream: &["gsm8k_dataset_postprocess"],
        has_fixed: false,
        make: |named, _| simple(named, gsm8k_dataset),
    },
];

fn make_first(named: &Named, reading: Reading) -> Result<Apply> {
    named.no_arguments()?;
    let read = match reading {
        Reading::Compat => first,
        Reading::Fixed => fixed_first,
    };
    Ok(Box::new(move |text| read(text).into()))
}

static FIRST: LazyLock<Regex> = LazyLock::new(|| built_in(r"-?\d*\.?\d+"));
static GSM8K: LazyLock<Regex> = LazyLock::new(|| built_in(r"-?\d+\.\d+|-?\d+"));

/// The first number of a text.
pub(super) fn first(text: &str) -> Option<f64> {
    FIRST.find(text)?.as_str().parse().ok()
}

/// The first number of a text in its whole notation: `1,200` is not 1.
pub(super) fn fixed_first(text: &str) -> Option<f64> {
    first_number(text).as_ref().map(Number::to_f64)
}

/// The last number of a text without thousands separators, judged by the rules that agents and fine-tuning
/// share.
pub(super) fn last(text: &str) -> Option<String> {
    final_number(text).map(|number| number.to_string())
}

/// The last number before `Question:`, or `NULL`. As in upstream, a thousands separator cuts a number in two.
pub(super) fn gsm8k(text: &str) -> String {
    let own = text.split("Question:").next().unwrap_or_default();
    GSM8K.find_iter(own).last().map_or_else(|| "NULL".to_owned(), |found| found.as_str().to_owned())
}

/// What follows the first `#### ` of a solution, up to the next one, without commas.
pub(super) fn gsm8k_dataset(text: &str) -> String {
    text.split("#### ").nth(1).unwrap_or_default().replace(',', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_keeps_sign_and_groups() {
        for (text, number) in [
            ("12 + 30 = 42.", Some("42")),
            ("It is -7", Some("-7")),
            ("about 1,234,567 or 8,9", Some("9")),
            ("= 1,234.5", Some("1234.5")),
            ("none", None),
        ] {
            assert_eq!(last(text).as_deref(), number, "{text}");
        }
    }

    #[test]
    fn gsm8k_stops_at_the_next_question() {
        for (text, number) in [
            ("so 18 eggs", "18"),
            ("it is -3.5. Question: how many of 7?", "-3.5"),
            ("1,200", "200"),
            ("none", "NULL"),
        ] {
            assert_eq!(gsm8k(text), number, "{text}");
        }
        assert_eq!(gsm8k_dataset("16 - 3 = 13\n#### 1,300"), "1300");
        assert_eq!(gsm8k_dataset("no mark"), "");
    }
}
