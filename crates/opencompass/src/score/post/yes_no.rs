//! Verdicts of the biological sets of SciReasoner: PEER (yes or no) and GUE (positive or negative).
//!
//! Lists of words: OpenCompass 0.5.4, `datasets/SciReasoner` (Apache-2.0).

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::pattern::built_in;
use super::post_entry::{Apply, PostEntry};
use super::protein::{without_ends, without_thoughts};
use super::python::strip;
use crate::Result;
use crate::dataset::Named;
use crate::score::Reading;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::text("PEER_postprocess_default", &[], peer_default),
    PostEntry::text("PEER_postprocess", &[], peer),
    PostEntry::configured("PEER_postprocess_float_compare", &[], peer_compare),
    PostEntry::text("GUE_postprocessor", &[], gue),
];

const SOLUBLE: [&str; 17] = [
    "will be soluble",
    "will dissolve",
    "is soluble",
    "can be predicted",
    "positive",
    "Yes",
    "correct",
    "valid",
    "accurate",
    "certainly",
    "indeed",
    "affirmative",
    "highly soluble",
    "easily soluble",
    "dissolves easily",
    "is assured",
    "be soluble",
];
const INSOLUBLE: [&str; 15] = [
    "will not be soluble",
    "is not soluble",
    "will not dissolve",
    "low solubility",
    "low",
    "cannot be predicted",
    "negative",
    "No",
    "incorrect",
    "invalid",
    "inaccurate",
    "impossible",
    "not possible",
    "denied",
    "be insoluble",
];
const POSITIVE: [&str; 45] = [
    "positive",
    "positively",
    "presence",
    "detected",
    "identified",
    "identifiable",
    "found",
    "yes",
    "located",
    "detectable",
    "observable",
    "evident",
    "absolutely",
    "affirmative",
    "can",
    "affirm",
    "confirm",
    "confirms",
    "reveals",
    "existence",
    "certainly",
    "consistent",
    "recognizable",
    "shows core",
    "shows promoter",
    "shows characteristic",
    "evidenced by",
    "seeing characteristic patterns",
    "includes",
    "contains sequences",
    "exhibits clear",
    "contains transcription",
    "exhibits sequences",
    "clearly contains",
    "recognized",
    "exhibits features",
    "contains regulatory",
    "shows clear",
    "displays",
    "definitely has",
    "exhibits patterns",
    "clear evidence",
    "contains a",
    "yep",
    "contains sites",
];
const NEGATIVE: [&str; 8] = ["negative", "no", "absence", "not", "cannot", "fails", "absent", "lacks"];

static ANSWER: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)The answer is\s+(Yes|No)"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| built_in(r"[-+]?\d*\.\d+|\d+"));
static PREDICTION: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"(?i)\bThe prediction result is\s+(positive|negative)\b"));
static THOUGHTS: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)<think>.*?</think>"));
static ANY_SOLUBLE: LazyLock<Regex> = LazyLock::new(|| built_in(&format!("(?i){}", SOLUBLE.join("|"))));
static ANY_INSOLUBLE: LazyLock<Regex> = LazyLock::new(|| built_in(&format!("(?i){}", INSOLUBLE.join("|"))));
static ANY_POSITIVE: LazyLock<Regex> =
    LazyLock::new(|| built_in(&format!(r"(?i)\b(?:{}|shows sequences)\b", POSITIVE.join("|"))));
static ANY_NEGATIVE: LazyLock<Regex> =
    LazyLock::new(|| built_in(&format!(r"(?i)\b(?:{})\b", NEGATIVE.join("|"))));

fn peer_default(text: &str) -> String {
    THOUGHTS.replace_all(&without_ends(strip(text)), "").into_owned()
}

/// The verdict behind `The answer is`, as it is written, or what the words of the answer mean.
fn peer(text: &str) -> String {
    let text = without_thoughts(text);
    if let Some(found) = ANSWER.captures(&text) {
        return found[1].to_owned();
    }
    let verdict = if ANY_SOLUBLE.is_match(&text) {
        "Yes"
    } else if ANY_INSOLUBLE.is_match(&text) {
        "No"
    } else {
        ""
    };
    verdict.to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compare {
    /// The verdict is yes if the number of the answer is greater.
    compare_number: f64,
}

fn peer_compare(named: &Named, _: Reading) -> Result<Apply> {
    let Compare { compare_number } = named.arguments()?;
    Ok(Box::new(move |text| {
        let text = without_thoughts(text);
        let number = NUMBER.find(&text).and_then(|number| number.as_str().parse::<f64>().ok());
        number.map_or("", |number| if number > compare_number { "Yes" } else { "No" }).into()
    }))
}

/// The prediction that the answer announces, or what its words mean; negative words count first.
fn gue(text: &str) -> String {
    let text = strip(text);
    if text.contains("<think>") && !text.contains("</think>") {
        return String::new();
    }
    let text = THOUGHTS.replace_all(text, "");
    if let Some(found) = PREDICTION.captures(&text) {
        return found[1].to_lowercase();
    }
    let verdict = if ANY_NEGATIVE.is_match(&text) {
        "negative"
    } else if ANY_POSITIVE.is_match(&text) {
        "positive"
    } else {
        ""
    };
    verdict.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_verdicts() {
        for (text, verdict) in [
            ("<think>No</think>the answer is yes", "yes"),
            ("It is not soluble", "No"),
            ("It is likely soluble", ""),
            ("Incorrect", "Yes"),
        ] {
            assert_eq!(peer(text), verdict, "{text}");
        }
        for (text, verdict) in [
            ("The prediction result is Positive.", "positive"),
            ("It shows sequences", "positive"),
            ("no promoter was found", "negative"),
            ("<think>it is", ""),
        ] {
            assert_eq!(gue(text), verdict, "{text}");
        }
        let named = Named::new("PEER_postprocess_float_compare").with("compare_number", 0.5);
        let compare = peer_compare(&named, Reading::Compat).expect("a number");
        for (text, verdict) in [("0.7", "Yes"), ("it is .4", "No"), ("?", "")] {
            assert_eq!(compare(text), verdict, "{text}");
        }
    }
}
