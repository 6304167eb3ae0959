//! What a judgement says: a letter, a rating, or which of two answers is better.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use crate::score::text::words::built_in;

static RATING: LazyLock<Regex> = LazyLock::new(|| built_in(r"Rating:\s*\[\[([\d.]+)\]\]"));
static ARENA: LazyLock<Regex> = LazyLock::new(|| built_in(r"\[\[([AB<>=]+)\]\]"));
static PAIR_LETTER: LazyLock<Regex> = LazyLock::new(|| built_in(r"\[\[([ABC])\]\]"));

/// Finds the first of two tags: upstream's `generic_llmjudge_postprocess`.
pub(super) fn first_tag<'a>(judgement: &str, tags: [&'a str; 2]) -> Option<&'a str> {
    let found = tags.into_iter().filter_map(|tag| Some((judgement.find(tag)?, tag)));
    // Of two tags at one place, the first one is taken.
    found.min_by_key(|(place, _)| *place).map(|(_, tag)| tag)
}

/// Finds the rating of `Rating: [[7.5]]`: upstream's `post_process_mtbench`.
pub(super) fn rating(judgement: &str) -> Option<f64> {
    RATING.captures(judgement)?.get(1)?.as_str().parse().ok()
}

/// The way in which a judge says which of two answers is better.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum PairForm {
    /// Arena-Hard: `[[A>>B]]`, `[[A>B]]`, `[[A=B]]`, `[[B>A]]` or `[[B>>A]]`.
    #[default]
    Arena,
    /// MT-Bench: `[[A]]`, `[[B]]`, or `[[C]]` for a tie.
    Letters,
    /// AlpacaEval: `m` for the first answer, `M` for the second.
    Alpaca,
}

/// How much better the first of two answers is: 2 and -2 are clear, 1 and -1 slight, 0 is a tie.
pub(super) type Preference = i8;

impl PairForm {
    /// Reads a judgement.
    pub(super) fn read(self, judgement: &str) -> Option<Preference> {
        match self {
            Self::Arena => Some(match arena_verdict(judgement)? {
                "A>>B" => 2,
                "A>B" => 1,
                "A=B" => 0,
                "B>A" => -1,
                "B>>A" => -2,
                // Upstream does not count other orders of the marks.
                _ => return None,
            }),
            Self::Letters => Some(match PAIR_LETTER.captures(judgement)?.get(1)?.as_str() {
                "A" => 1,
                "B" => -1,
                _ => 0,
            }),
            Self::Alpaca => match judgement.chars().next()? {
                'm' => Some(1),
                'M' => Some(-1),
                _ => None,
            },
        }
    }
}

/// Finds the verdict in double brackets: upstream's `post_process_arenahard`.
pub(super) fn arena_verdict(judgement: &str) -> Option<&str> {
    Some(ARENA.captures(judgement)?.get(1)?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::align_bench::ratings;
    use super::*;

    /// Compares a reading with upstream's for every recorded judgement.
    fn check(name: &str, read: impl Fn(&str) -> Value) {
        let file = format!("golden/opencompass/eval/judge_{name}.jsonl");
        let Some(path) = internlm_kit::testing::shared_data(&file) else { return };
        let text = std::fs::read_to_string(path).expect("a readable file");
        assert_eq!(text.lines().count(), 40, "{name}");
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).expect("a JSON object");
            let judgement = row["in"]["judgement"].as_str().expect("a text");
            assert_eq!(read(judgement), row["out"], "{} {judgement}", row["id"]);
        }
    }

    #[test]
    fn judgements_are_read_as_upstream_reads_them() {
        check("arenahard", |text| json!({ "verdict": arena_verdict(text) }));
        check("generic_letter", |text| json!({ "letter": first_tag(text, ["A", "B"]).unwrap_or("unknown") }));
        check("mtbench_single", |text| json!({ "score": rating(text) }));
        check("alignbench", |text| {
            let rating = ratings(text).map(|found| json!({ "rating": found, "score": found["综合得分"] }));
            json!({ "rating": rating })
        });
    }

    #[test]
    fn preferences_are_read_from_all_forms() {
        for (form, text, expected) in [
            (PairForm::Arena, "[[B>>A]]", Some(-2)),
            (PairForm::Arena, "[[A<B]]", None),
            (PairForm::Letters, "so [[C]]", Some(0)),
            (PairForm::Letters, "[[B]]", Some(-1)),
            (PairForm::Alpaca, "M", Some(-1)),
            (PairForm::Alpaca, "model m", Some(1)),
            (PairForm::Alpaca, "", None),
        ] {
            assert_eq!(form.read(text), expected, "{text}");
        }
        assert_eq!(first_tag("INCORRECT", ["CORRECT", "INCORRECT"]), Some("INCORRECT"));
    }
}
