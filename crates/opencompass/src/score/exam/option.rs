//! Letters of options that depend on the row.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::Result;
use crate::dataset::Named;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::math::built_in;
use crate::score::post::Post;
use crate::score::verdict::verdicts;
use crate::score::{Evaluate, Reading, ScoredItem, Scores};

static LETTER: LazyLock<Regex> = LazyLock::new(|| built_in(r"\b([A-Z])\b"));

/// Phrases whose letters are not answers.
const UNWANTED: &[&str] = &["I understand", "A through J", "A through E", "A through D"];

/// Compares the first letter of an option in a text. After a prompt with examples the first letter counts only if there
/// are several, which is the same letter.
pub(super) fn letters_in_text(item: &ScoredItem<'_>) -> bool {
    let mut text = item.pred_text();
    // SciKnowEval names its options itself and keeps the phrases.
    let named: Option<Vec<String>> = item
        .columns
        .get("choices")
        .and_then(|choices| choices.get("label"))
        .and_then(Value::as_array)
        .map(|labels| labels.iter().map(python_str).collect());
    if named.is_none() {
        for phrase in UNWANTED {
            text = text.replace(phrase, "");
        }
    }
    let count = item.columns.get("options").map_or(0, |options| match options {
        Value::Array(options) => options.len(),
        Value::Object(options) => options.len(),
        _ => 0,
    });
    let is_option = |letter: &str| match &named {
        Some(labels) => labels.iter().any(|label| label == letter),
        None => letter.bytes().all(|byte| usize::from(byte - b'A') < count),
    };
    let found = LETTER.captures_iter(&text).map(|found| found[1].to_owned()).find(|letter| is_option(letter));
    found.is_some_and(|letter| letter == python_str(&item.answer))
}

/// Compares the option that `first_option_postprocess` finds among as many letters as the row has options.
struct FirstOption {
    /// Post-processors by the number of options.
    posts: BTreeMap<usize, Post>,
}

/// The maximum number of options of a row.
const MAX_OPTIONS: usize = 12;

/// Creates the evaluator of ProteinLMBench.
pub(super) fn first_option(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    let post = |count: usize| first_option_of(count, setup.reading).map(|post| (count, post));
    Ok(Box::new(FirstOption { posts: (2..=MAX_OPTIONS).map(post).collect::<Result<_>>()? }))
}

fn first_option_of(count: usize, reading: Reading) -> Result<Post> {
    let options: String = ('A'..='Z').take(count).collect();
    Post::new(&Named::new("first_option_postprocess").with("options", options), reading)
}

impl Evaluate for FirstOption {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        verdicts("accuracy", items, |item| {
            let count = item.columns.get("options").and_then(Value::as_array).map_or(0, Vec::len);
            self.posts.get(&count).is_some_and(|post| post.apply(&item.pred_text()) == item.answer)
        })
    }
}
