//! `circular`: the columns `qid` and `circular_pattern` of each row say which question it is and in which order its
//! options are. The metrics are those of `CircularEvaluator` in `datasets/circular.py` of OpenCompass 0.5.4.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::orders::{is_permutation, is_rotation, permutations};
use super::vote::{Letters, Votes};
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};

/// Arguments of `circular`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The orders in which the loader asks: `circular` (default) or `all_possible`.
    #[serde(default)]
    circular_pattern: Pattern,
}

/// Orders of options.
#[derive(Clone, Copy, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Pattern {
    #[default]
    Circular,
    AllPossible,
}

/// Scores questions that are asked in several orders. A question counts as known only if every order is answered right.
///
/// Upstream's metrics are followed, in [`Scores::extra`], by the vote over the rotations and by the letters that were
/// chosen: `letter_bias` names the letter that was chosen most above its due.
pub(super) struct Circular {
    pattern: Pattern,
}

/// Number of orders up to which `more_1` to `perf` are given: those of six options.
const MOST_ORDERS: usize = 720;

/// Some of the orders of the options.
struct OrderSet {
    /// Name in metrics.
    name: &'static str,
    /// Number of orders.
    orders: usize,
    /// Whether the options `keys` in the order of the second list are one of the orders.
    has: fn(&[String], &[String]) -> bool,
}

/// One item with what its row says about the order.
struct Asked {
    question: String,
    pattern: Vec<String>,
    correct: bool,
}

impl Circular {
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let Arguments { circular_pattern } = setup.named.arguments()?;
        Ok(Box::new(Self { pattern: circular_pattern }))
    }

    fn sets(&self, keys: &[String]) -> Vec<OrderSet> {
        let origin = OrderSet { name: "origin", orders: 1, has: |keys, pattern| keys == pattern };
        let circular = OrderSet { name: "circular", orders: keys.len(), has: is_rotation };
        let mut sets = vec![origin, circular];
        if self.pattern == Pattern::AllPossible {
            let orders = permutations(keys.len());
            sets.push(OrderSet { name: "all_possible", orders, has: is_permutation });
        }
        sets
    }

    fn metrics(&self, asked: &[Asked], keys: &[String]) -> Metrics {
        let mut metrics = Metrics::new();
        let mut counts = Metrics::new();
        for OrderSet { name, orders, has } in self.sets(keys) {
            // Question -> number of right answers.
            let mut questions: IndexMap<&str, usize> = IndexMap::new();
            let (mut right, mut total) = (0_usize, 0_usize);
            for item in asked.iter().filter(|item| has(keys, &item.pattern)) {
                *questions.entry(&item.question).or_insert(0) += usize::from(item.correct);
                right += usize::from(item.correct);
                total += 1;
            }
            if total == 0 {
                continue;
            }
            metrics.insert(format!("acc_{name}"), right as f64 / total as f64 * 100.0);
            for least in 1..=orders.min(MOST_ORDERS) {
                let reached = questions.values().filter(|number| **number >= least).count();
                let label =
                    if least == orders { format!("perf_{name}") } else { format!("more_{least}_{name}") };
                counts.insert(label, reached as f64 / questions.len() as f64 * 100.0);
            }
        }
        metrics.extend(counts);
        metrics
    }
}

impl Evaluate for Circular {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut asked = Vec::with_capacity(items.len());
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let correct = item.is_answered() && item.pred_text() == python_str(&item.answer);
            let pattern = item.columns.get("circular_pattern").and_then(Value::as_array);
            let pattern: Option<Vec<String>> = pattern.map(|keys| keys.iter().map(python_str).collect());
            let mut detail = Detail { correct: Some(correct), ..detail(item) };
            match (item.columns.get("qid"), pattern) {
                (Some(question), Some(pattern)) => {
                    let question = python_str(question);
                    detail.extra.insert("qid".to_owned(), json!(question));
                    detail.extra.insert("circular_pattern".to_owned(), json!(pattern));
                    asked.push(Asked { question, pattern, correct });
                }
                _ => {
                    detail.reason =
                        Some("row: found no `qid` and `circular_pattern`, expected both".to_owned())
                }
            }
            details.push(detail);
        }
        let keys = asked.first().map(|first| first.pattern.clone()).unwrap_or_default();
        let mut scores = Scores {
            metrics: self.metrics(&asked, &keys),
            correct: Some(details.iter().filter(|detail| detail.correct == Some(true)).count()),
            answered: answered(items),
            details,
            ..Scores::default()
        };
        if asked.len() == items.len() && !items.is_empty() {
            let (letters, votes) = choices(items, &asked, &keys);
            scores.extra = letters.described();
            scores.extra.insert("vote_circular".to_owned(), json!(votes.accuracy()));
        }
        scores
    }
}

/// Counts the chosen letters, and the votes over the rotations for the options in the order of `keys`.
fn choices(items: &[ScoredItem<'_>], asked: &[Asked], keys: &[String]) -> (Letters, Votes) {
    let mut letters = Letters::new(keys.len());
    let mut votes = Votes::default();
    for (item, asked) in items.iter().zip(asked) {
        let (chosen, right) = (item.pred_text(), python_str(&item.answer));
        letters.count(&chosen, &right);
        if !is_rotation(keys, &asked.pattern) {
            continue;
        }
        // The option at place i of the question stands under the key `pattern[i]`.
        let option = |letter: &str| {
            let key = &keys[letters.place(letter)?];
            asked.pattern.iter().position(|other| other == key)
        };
        votes.ask(&asked.question, option(&right));
        votes.vote(&asked.question, option(&chosen));
    }
    (letters, votes)
}

#[cfg(test)]
mod tests;
