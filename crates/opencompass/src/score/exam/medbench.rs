//! MedBench: choices, blanks, texts and facts of Chinese medicine. Upstream: `datasets/medbench/medbench.py` of OpenCompass
//! 0.5.4 (Apache-2.0), whose word lists are here.
//!
//! Texts are divided as BERT's basic tokenizer does, except that accents stay. Upstream has no evaluator of `SMDoc`, which
//! is scored as the other reports, and the one of `DBMHG` stops at the first fact; here its facts are compared.

mod facts;
mod task;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::text::rouge_words::chinese;
use crate::score::text::words::{built_in, is_space};
use crate::score::verdict::{answered, detail, verdicts};
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};
use task::Task;

/// Names whose letters are not answers, upstream's.
const NAMES: &str = "CC CA AC POMES AI MIBG CF CTE AD CB BG BD BE BH CTB BI CE Pugh Child CTI CTA TACE \
    PPD Castleman BA CH AB CTC CT CTH CD AH AE AA AF BC CG BB CI BF CTF CTG AG CTD 分级C 分级A I131 分级B 分级D \
    131I‐MIBG NYHA IPF DIP Lambert-Eaton Graves IIA期 CKD FDA A级 B级 C级 D级 维生素D";
/// What a text without words counts as.
const NOTHING: &str = "无 。";

static LETTER: LazyLock<Regex> = LazyLock::new(|| built_in("[A-Z]"));

/// Arguments of `medbench`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    task: Task,
}

/// The evaluator of one task.
struct MedBench {
    task: Task,
    /// Standard names of diseases, for `chip-cdn`.
    names: BTreeSet<String>,
}

/// Creates the evaluator of a task.
pub(super) fn make(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    let Arguments { task } = setup.named.arguments()?;
    let names = match setup.resources.get("entities") {
        Some(bytes) => serde_json::from_slice(bytes).map_err(|error| crate::Error::Value {
            place: "source.resources.entities".to_owned(),
            found: error.to_string(),
            expected: "a JSON list of names".to_owned(),
        })?,
        None => BTreeSet::new(),
    };
    Ok(Box::new(MedBench { task, names }))
}

impl Evaluate for MedBench {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        match self.task {
            Task::Choices => verdicts("Accuracy", items, |item| {
                letters(&item.pred_text()).as_array() == item.answer.as_array() && item.answer.is_array()
            }),
            Task::Cloze => verdicts("Accuracy", items, |item| {
                let prediction = item.pred_text();
                item.references().iter().all(|word| prediction.contains(word))
            }),
            Task::Text | Task::Smdoc | Task::ImcsV2Mrg => texts(items),
            Task::ChipCtc => classes(items),
            _ => self.facts(items),
        }
    }
}

/// The capital letters of an answer, without those of names.
fn letters(answer: &str) -> Value {
    let mut plain = answer.to_owned();
    for name in NAMES.split(' ') {
        plain = plain.replace(name, "");
    }
    LETTER.find_iter(&plain).map(|letter| Value::from(letter.as_str())).collect()
}

/// ROUGE-L of texts as a share. Items without a text on one side are left out, as upstream.
fn texts(items: &[ScoredItem<'_>]) -> Scores {
    let mut details = Vec::with_capacity(items.len());
    for item in items {
        let reference = match &item.answer {
            Value::Array(facts) => facts.iter().map(line).collect(),
            other => python_str(other),
        };
        let prediction = item.pred_text();
        let is_compared = item.is_answered() && !prediction.is_empty() && !reference.is_empty();
        let measure = || chinese(&divided(&prediction), &divided(&reference)).map(|found| found.rouge_l);
        let score = if is_compared { measure() } else { None };
        // A request that failed counts as wrong.
        let score = if item.is_answered() { score } else { Some(0.0) };
        details.push(Detail { score, ..detail(item) });
    }
    let scores: Vec<f64> = details.iter().filter_map(|detail| detail.score).collect();
    let mut metrics = Metrics::new();
    if !scores.is_empty() {
        metrics.insert("RougeL".to_owned(), scores.iter().sum::<f64>() / scores.len() as f64);
    }
    Scores { metrics, details, answered: answered(items), ..Scores::default() }
}

/// One fact of a report as a line.
fn line(fact: &Value) -> String {
    format!("{}：{}\n", python_str(&fact["type"]), python_str(&fact["entity"]))
}

/// The words of a text with spaces between them: each Chinese letter and each mark is one.
fn divided(text: &str) -> String {
    let mut words = String::with_capacity(text.len() * 2);
    for letter in text.chars().flat_map(char::to_lowercase) {
        let alone = ('\u{3400}'..='\u{9fff}').contains(&letter)
            || ('\u{f900}'..='\u{faff}').contains(&letter)
            || letter.is_ascii_punctuation()
            || !(letter.is_alphanumeric() || is_space(letter));
        if alone {
            words.push(' ');
            words.push(letter);
            words.push(' ');
        } else {
            words.push(if is_space(letter) { ' ' } else { letter });
        }
    }
    let words = words.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if words.is_empty() { NOTHING.to_owned() } else { words }
}

/// The mean F1 of the classes, as a share.
fn classes(items: &[ScoredItem<'_>]) -> Scores {
    // Class -> times that it is right, given and expected.
    let mut counts: BTreeMap<String, [f64; 3]> = BTreeMap::new();
    let mut details = Vec::with_capacity(items.len());
    for item in items {
        let (given, expected) = (item.pred_text().trim().to_owned(), python_str(&item.answer));
        let right = item.is_answered() && given == expected;
        counts.entry(given).or_default()[1] += 1.0;
        let expected = counts.entry(expected).or_default();
        expected[2] += 1.0;
        expected[0] += f64::from(u8::from(right));
        details.push(Detail { correct: Some(right), ..detail(item) });
    }
    let mut metrics = Metrics::new();
    if !counts.is_empty() {
        let sum: f64 = counts.values().map(|[right, given, expected]| 2.0 * right / (given + expected)).sum();
        metrics.insert("Macro-F1".to_owned(), sum / counts.len() as f64);
    }
    Scores { metrics, details, answered: answered(items), ..Scores::default() }
}

impl MedBench {
    /// The F1 of all facts of all items, as a share.
    fn facts(&self, items: &[ScoredItem<'_>]) -> Scores {
        let (mut right, mut given, mut expected) = (0, 0, 0);
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let found = facts::found(self.task, &item.pred_text(), &self.names);
            let ours: BTreeSet<String> = found.iter().map(key).collect();
            let theirs: BTreeSet<String> = item.answer.as_array().into_iter().flatten().map(key).collect();
            right += ours.intersection(&theirs).count();
            given += ours.len();
            expected += theirs.len();
            let mut detail = detail(item);
            detail.extra.insert("facts".to_owned(), json!(found));
            details.push(detail);
        }
        let score = if right == 0 { 0.0 } else { 2.0 * right as f64 / (given + expected) as f64 };
        let metrics = Metrics::from([("F1".to_owned(), score)]);
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}

/// A fact as upstream compares it: the values in the order of their names.
fn key(fact: &Value) -> String {
    let members: BTreeMap<&String, &Value> = fact.as_object().into_iter().flatten().collect();
    json!(members.values().collect::<Vec<_>>()).to_string()
}

#[cfg(test)]
mod tests;
