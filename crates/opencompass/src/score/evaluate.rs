//! Predictions of one cell -> metrics and a line per item.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};

use super::bits_per_byte::bits_per_byte;
use super::post::Post;
use super::tool_call::{CallCheck, check_call};
use super::{exact_match, gsm8k_equal, lambada_correct, number_equal};
use crate::dataset::{Dataset, Evaluator, Reader, ScoreConfig};
use crate::infer::Prediction;
use crate::prompt::python_str;

/// Metrics by name, in the order in which tables show them.
pub type Metrics = IndexMap<String, f64>;

/// What one item was worth and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Detail {
    /// What the post-processors made of the answer.
    pub pred: Value,
    /// What was expected.
    pub answer: Value,
    /// The verdict, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
    /// A score of this item, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Why the item is not right, where that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Detail {
    /// The detail of an item before it is judged, its failure noted.
    pub(super) fn failed(prediction: &Prediction) -> Self {
        Self { answer: prediction.gold.clone(), reason: prediction.error.clone(), ..Self::default() }
    }
}

/// Metrics of one cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Metrics by name, the first one is the headline.
    pub metrics: Metrics,
    /// One per item.
    pub details: Vec<Detail>,
    /// Items that the model answered; failures count as wrong.
    pub answered: usize,
    /// Right items, where the headline is a proportion.
    pub correct: Option<usize>,
}

/// Problems of the table `[score]`.
#[must_use]
pub fn problems(config: &ScoreConfig, reader: &Reader) -> Vec<String> {
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
        problems.push("score.argument: only evaluator tool_call has one".to_owned());
    }
    problems
}

/// Scores the predictions of one dataset.
///
/// # Panics
/// Never for a loaded dataset: its post-processors were checked by [`problems`].
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

/// One reference or a list of them.
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

/// Scores whose headline is the share of right items in percent.
#[must_use]
pub fn accuracy_scores(metric: &str, details: Vec<Detail>, answered: usize) -> Scores {
    let correct = details.iter().filter(|detail| detail.correct == Some(true)).count();
    let mut metrics = Metrics::new();
    if !details.is_empty() {
        metrics.insert(metric.to_owned(), 100.0 * correct as f64 / details.len() as f64);
    }
    Scores { metrics, details, answered, correct: Some(correct) }
}

/// `accuracy` = share of well-formed calls; `argument_accuracy` = share that also asks for the right thing.
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
