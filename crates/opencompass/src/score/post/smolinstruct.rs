//! Yes and no as SMolInstruct writes them: `<BOOLEAN> Yes </BOOLEAN>`.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::pattern::built_in;
use super::post_entry::PostEntry;
use super::python::{behind_last, strip};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::value("smolinstruct-acc", &["smolinstruct_acc_postprocess"], anywhere),
    PostEntry::text("smolinstruct-acc-0shot", &["smolinstruct_acc_0shot_postprocess"], announced),
];

const YES: &str = "<BOOLEAN> Yes </BOOLEAN>";
const NO: &str = "<BOOLEAN> No </BOOLEAN>";

/// Where the answer is expected, in order; upstream wrote `[Th]he` for `[Tt]he`.
static PATTERNS: LazyLock<[Regex; 8]> = LazyLock::new(|| {
    [
        r"\\boxed\{\s*(yes|no)\s*\}",
        r#"[Th]he\s+answer\s+is\s*[.:'"“‘’\-]*\s*(yes|no)[\s.,!?:;'"”’\-]*"#,
        r"[Aa]nswer:\s*(yes|no)\b",
        r"\*\*[Aa]nswer:\*\*\s*(yes|no)\b",
        r"\*\*[Aa]nswer\*\*:\s*(yes|no)\b",
        r"<BOOLEAN>\s*(yes|no)\s*</BOOLEAN>",
        r"^\s*(yes|no)[.?!]?\s*$",
        r"<\|begin_of_box\|>\s*(yes|no)\s*<\|end_of_box\|>",
    ]
    .map(|pattern| built_in(&format!("(?i){pattern}")))
});

/// `yes` anywhere, also in words, then `no`; null if there is neither.
fn anywhere(text: &str) -> Value {
    let text = text.to_lowercase();
    if text.contains("yes") {
        return YES.into();
    }
    if text.contains("no") { NO.into() } else { Value::Null }
}

/// The answer behind the thoughts, in one of the usual places, or at an end of the text; empty if it is not found.
fn announced(text: &str) -> String {
    let text = strip(behind_last(text, "</think>"));
    let found = PATTERNS.iter().find_map(|pattern| pattern.captures(text)?.get(1));
    if let Some(found) = found {
        return if found.as_str().eq_ignore_ascii_case("yes") { YES } else { NO }.to_owned();
    }
    let lower = text.to_lowercase();
    let at_an_end = |word: &str| lower.starts_with(word) || lower.ends_with(word);
    let answer = if at_an_end("yes") {
        YES
    } else if at_an_end("no") {
        NO
    } else {
        ""
    };
    answer.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no() {
        for (text, short, long) in [
            ("Yes", Some(YES), YES),
            ("I know", Some(NO), ""),
            ("yes?</think>The answer is: No.", Some(YES), NO),
            (r"so $\boxed{yes}$, no doubt", Some(YES), YES),
            ("Nothing", Some(NO), NO),
            ("maybe", None, ""),
        ] {
            assert_eq!(anywhere(text), Value::from(short), "{text}");
            assert_eq!(announced(text), long, "{text}");
        }
    }
}
