//! Evaluators: turn the predictions of one cell into metrics and a detail per item.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};

use super::post::Post;
use super::tool_call::{CallCheck, check_call};
use super::{exact_match, gsm8k_equal, lambada_correct, number_equal};
use crate::dataset::{Dataset, Evaluator, ReaderConfig, ScoreConfig};
use crate::infer::{Measured, Prediction};
use crate::prompt::python_str;

/// Metrics by name, in the order in which an evaluator returns them. Shares are in percent.
pub type Metrics = IndexMap<String, f64>;

/// The verdict on one item and what it is based on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Detail {
    /// The answer after the post-processors.
    pub pred: Value,
    /// The expected answer from the dataset.
    pub answer: Value,
    /// Whether the item is right; absent for evaluators that only measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
    /// The item's own score; absent for evaluators that only judge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Why the item is not right: a failed request, a malformed call or a wrong argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Detail {
    /// Creates the detail of an item that is not judged yet; a failed request is noted as the reason.
    pub(super) fn failed(prediction: &Prediction) -> Self {
        Self { answer: prediction.gold.clone(), reason: prediction.error.clone(), ..Self::default() }
    }
}

/// The scores of one cell, that is of one model on one dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Metrics by name; the first one is the headline.
    pub metrics: Metrics,
    /// One detail per item, in the order of the rows.
    pub details: Vec<Detail>,
    /// Number of items that the model answered. Failed items count as wrong.
    pub answered: usize,
    /// Number of right items, if the headline is a proportion.
    pub correct: Option<usize>,
}

/// Lists the problems of a dataset's `[score]` table and of the post-processors in `[reader]`.
#[must_use]
pub fn problems(config: &ScoreConfig, reader: &ReaderConfig) -> Vec<String> {
    let mut problems: Vec<String> = config
        .post
        .iter()
        .filter_map(|post| Post::from_config(post).err())
        .map(|problem| format!("score.post: {problem}"))
        .collect();
    for (column, name) in &reader.map {
        problems.extend(Post::named(name).err().map(|problem| format!("reader.map.{column}: {problem}")));
    }
    if config.argument.is_some() && config.evaluator != Evaluator::ToolCall {
        problems.push("score.argument: found one, expected it only with the evaluator tool_call".to_owned());
    }
    problems
}

/// Scores the predictions of one model on one dataset.
///
/// # Panics
/// Does not panic for a loaded dataset, since [`problems`] has checked its post-processors.
#[must_use]
pub fn score(dataset: &Dataset, predictions: &[Prediction]) -> Scores {
    let config = &dataset.config.score;
    let posts: Vec<Post> = config
        .post
        .iter()
        .map(|post| {
            Post::from_config(post).expect("post-processors were checked when the dataset was loaded")
        })
        .collect();
    let extract = |text: &str| posts.iter().fold(text.to_owned(), |text, post| post.apply(&text));
    match config.evaluator {
        Evaluator::BitsPerByte => bits_per_byte(predictions),
        Evaluator::ToolCall => tool_calls(dataset, predictions),
        Evaluator::Acc => verdicts("accuracy", predictions, extract, |pred, gold| pred == python_str(gold)),
        Evaluator::Number => {
            verdicts("accuracy", predictions, extract, |pred, gold| number_equal(pred, &python_str(gold)))
        }
        Evaluator::Gsm8k => {
            verdicts("accuracy", predictions, extract, |pred, gold| gsm8k_equal(pred, &python_str(gold)))
        }
        Evaluator::Lambada => {
            verdicts("accuracy", predictions, extract, |pred, gold| lambada_correct(pred, &python_str(gold)))
        }
        Evaluator::Em => {
            verdicts("score", predictions, extract, |pred, gold| exact_match(pred, &references(gold)))
        }
    }
}

/// Reads the expected answer as a list of references.
fn references(gold: &Value) -> Vec<String> {
    match gold {
        Value::Array(items) => items.iter().map(python_str).collect(),
        other => vec![python_str(other)],
    }
}

fn verdicts(
    metric: &str,
    predictions: &[Prediction],
    extract: impl Fn(&str) -> String,
    equal: impl Fn(&str, &Value) -> bool,
) -> Scores {
    let judge = |prediction: &Prediction| {
        let mut detail = Detail::failed(prediction);
        let correct = prediction.text.as_deref().is_some_and(|text| {
            let pred = extract(text);
            let correct = equal(&pred, &prediction.gold);
            detail.pred = json!(pred);
            correct
        });
        Detail { correct: Some(correct), ..detail }
    };
    let details = predictions.iter().map(judge).collect();
    let answered = predictions.iter().filter(|prediction| prediction.error.is_none()).count();
    accuracy_scores(metric, details, answered)
}

/// Computes scores whose headline is the share of right items in percent.
#[must_use]
pub fn accuracy_scores(metric: &str, details: Vec<Detail>, answered: usize) -> Scores {
    let correct = details.iter().filter(|detail| detail.correct == Some(true)).count();
    let mut metrics = Metrics::new();
    if !details.is_empty() {
        metrics.insert(metric.to_owned(), 100.0 * correct as f64 / details.len() as f64);
    }
    Scores { metrics, details, answered, correct: Some(correct) }
}

/// Measures bits per UTF-8 byte, which is comparable between tokenizers. Bits and bytes are summed over all
/// texts before the division, so that a long text weighs as much as it is long.
fn bits_per_byte(predictions: &[Prediction]) -> Scores {
    let mut total = Measured::default();
    let mut details = Vec::with_capacity(predictions.len());
    let mut answered = 0;
    for prediction in predictions {
        let mut detail = Detail::failed(prediction);
        if let Some(measured) = &prediction.measured {
            answered += 1;
            total.add(measured);
            detail.score = Some(measured.bits_per_byte());
        }
        details.push(detail);
    }
    let mut metrics = Metrics::new();
    if answered > 0 {
        metrics.insert("bits_per_byte".to_owned(), total.bits_per_byte());
        metrics.insert("bytes".to_owned(), total.bytes as f64);
        metrics.insert("tokens".to_owned(), total.tokens as f64);
    }
    Scores { metrics, details, answered, correct: None }
}

/// Scores tool calls: `accuracy` is the share of well-formed calls, `argument_accuracy` the share of calls that
/// also ask for the right thing.
fn tool_calls(dataset: &Dataset, predictions: &[Prediction]) -> Scores {
    let tools = &dataset.config.infer.tools;
    let column = dataset.config.score.argument.as_deref();
    let mut right = 0_usize;
    let mut details = Vec::with_capacity(predictions.len());
    for (prediction, row) in predictions.iter().zip(&dataset.test) {
        let mut detail = Detail { correct: Some(false), ..Detail::failed(prediction) };
        detail.pred = json!(prediction.calls);
        match check_call(&prediction.calls, tools) {
            _ if prediction.error.is_some() => {}
            CallCheck::Malformed(reason) => detail.reason = Some(reason),
            CallCheck::WellFormed(arguments) => {
                detail.correct = Some(true);
                let expected = column.and_then(|column| Some((column, row.columns.get(column)?)));
                if let Some((column, expected)) = expected {
                    let found = arguments.get(column).map(python_str).unwrap_or_default();
                    let equal = without_spaces(&found) == without_spaces(&python_str(expected));
                    right += usize::from(equal);
                    detail.reason = (!equal)
                        .then(|| format!("found {column} {found}, expected {}", python_str(expected)));
                }
            }
        }
        details.push(detail);
    }
    let answered = predictions.iter().filter(|prediction| prediction.error.is_none()).count();
    let count = details.len();
    let mut scores = accuracy_scores("accuracy", details, answered);
    if column.is_some() && count > 0 {
        scores.metrics.insert("argument_accuracy".to_owned(), 100.0 * right as f64 / count as f64);
    }
    scores
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}
