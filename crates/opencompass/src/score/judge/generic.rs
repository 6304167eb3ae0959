//! `judge`: the judge names a letter for right and one for wrong: `GenericLLMEvaluator` with
//! `generic_llmjudge_postprocess` upstream.

use serde::Deserialize;
use serde_json::json;

use super::panel::{Panel, first_error, judgement, majority, mean, shown};
use super::parse::first_tag;
use crate::Result;
use crate::score::entry::Setup;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, FollowUp, Metrics, Participant, ScoredItem, Scores};

/// Arguments of `judge`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    judge: Panel,
    #[serde(default = "true_tag")]
    true_tag: String,
    #[serde(default = "false_tag")]
    false_tag: String,
    /// Name of the headline. Default: `accuracy`.
    #[serde(default = "accuracy")]
    metric_name: String,
}

fn true_tag() -> String {
    "A".to_owned()
}

fn false_tag() -> String {
    "B".to_owned()
}

fn accuracy() -> String {
    "accuracy".to_owned()
}

/// Lets judges say whether an answer is right. Of several judgements the majority decides.
pub(super) struct Generic {
    arguments: Arguments,
}

impl Generic {
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let arguments: Arguments = setup.named.arguments()?;
        let judge = arguments.judge.checked(setup.named.name())?;
        Ok(Box::new(Self { arguments: Arguments { judge, ..arguments } }))
    }

    fn metrics(&self, letters: &[Option<&str>]) -> Metrics {
        let count = |tag: &str| letters.iter().filter(|letter| **letter == Some(tag)).count();
        let total = letters.len();
        let (right, wrong) = (count(&self.arguments.true_tag), count(&self.arguments.false_tag));
        let share = |number: usize| number as f64 / total as f64;
        let attempted = share(right) + share(wrong);
        let given = if attempted > 0.0 { share(right) / attempted } else { 0.0 };
        let sum = given + share(right);
        let name = &self.arguments.metric_name;
        Metrics::from_iter([
            (name.clone(), share(right) * 100.0),
            (format!("{name}_given_attempted"), given * 100.0),
            ("f1".to_owned(), if sum > 0.0 { 2.0 * given * share(right) / sum } else { 0.0 }),
            ("attempted_ratio".to_owned(), share(right + wrong) * 100.0),
            ("correct_count".to_owned(), right as f64),
            ("incorrect_count".to_owned(), wrong as f64),
            ("not_attempted_count".to_owned(), (total - right - wrong) as f64),
        ])
    }
}

impl Evaluate for Generic {
    fn participants(&self) -> Vec<Participant> {
        self.arguments.judge.participants()
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        if item.evidence.is_empty() { self.arguments.judge.asks(item, &|_| None) } else { Vec::new() }
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let Arguments { judge, true_tag, false_tag, .. } = &self.arguments;
        let mut letters = Vec::with_capacity(items.len());
        let mut details = Vec::with_capacity(items.len());
        let mut consistency = Vec::new();
        for item in items {
            let tags = [true_tag.as_str(), false_tag.as_str()];
            let read = |outcome| first_tag(judgement(outcome).ok()?, tags);
            let verdicts: Vec<Option<&str>> = item.evidence.iter().map(read).collect();
            let letter = majority(&verdicts);
            consistency.extend(judge.consistency(&verdicts));
            let mut detail = Detail { correct: Some(letter == Some(true_tag.as_str())), ..detail(item) };
            detail.extra.insert("grade_letter".to_owned(), json!(letter.unwrap_or("unknown")));
            detail.extra.insert("judgements".to_owned(), shown(&item.evidence));
            detail.reason = detail.reason.or_else(|| first_error(&item.evidence));
            letters.push(letter);
            details.push(detail);
        }
        let metrics = if items.is_empty() { Metrics::new() } else { self.metrics(&letters) };
        let correct = details.iter().filter(|detail| detail.correct == Some(true)).count();
        let mut scores = Scores {
            metrics,
            details,
            answered: answered(items),
            correct: Some(correct),
            ..Scores::default()
        };
        if let Some(share) = mean(consistency.into_iter()) {
            scores.extra.insert("judge_consistency".to_owned(), json!(100.0 * share));
        }
        scores
    }
}
