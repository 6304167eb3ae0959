//! `judge_score`: the judge rates each answer. Upstream it is `LMEvaluator` with the post-processors `mtbench` and
//! `alignbench`.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::json;

use super::align_bench::{GROUPS, OVERALL, ratings};
use super::panel::{Panel, first_error, judgement, mean, shown};
use super::parse::rating;
use super::template::column;
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::text::words::two_decimals;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, FollowUp, Metrics, Participant, ScoredItem, Scores};

/// Arguments of `judge_score`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    judge: Panel,
    /// How ratings are written. Default: `rating`.
    #[serde(default)]
    form: Form,
    /// Column of the category of a question. Default: `capability`.
    #[serde(default = "capability")]
    category: String,
}

/// The way in which a judge writes ratings.
#[derive(Clone, Copy, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Form {
    /// MT-Bench: `Rating: [[7]]`.
    #[default]
    Rating,
    /// AlignBench: a dictionary of dimensions with the overall score.
    Alignbench,
}

fn capability() -> String {
    "capability".to_owned()
}

/// Lets judges rate answers. An item's score is the mean of its judgements; items without a rating are left out, as
/// upstream does, and their number is in `Scores::extra`.
pub(super) struct Single {
    arguments: Arguments,
}

impl Single {
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let arguments: Arguments = setup.named.arguments()?;
        let judge = arguments.judge.checked(setup.named.name())?;
        Ok(Box::new(Self { arguments: Arguments { judge, ..arguments } }))
    }

    fn read(&self, text: &str) -> Option<f64> {
        match self.arguments.form {
            Form::Rating => rating(text),
            Form::Alignbench => ratings(text).map(|found| found[OVERALL] as f64),
        }
    }

    fn metrics(&self, rated: &[(String, f64)]) -> Metrics {
        let average = |numbers: &[f64]| two_decimals(mean(numbers.iter().copied()).unwrap_or(0.0));
        let mut categories: IndexMap<&str, Vec<f64>> = IndexMap::new();
        for (category, score) in rated {
            categories.entry(category).or_default().push(*score);
        }
        let named = |(name, scores): (&&str, &Vec<f64>)| ((*name).to_owned(), average(scores));
        let mut metrics: Metrics = categories.iter().map(named).collect();
        if rated.is_empty() {
            return metrics;
        }
        match self.arguments.form {
            Form::Rating => {
                let all: Vec<f64> = rated.iter().map(|(_, score)| *score).collect();
                metrics.shift_insert(0, "total".to_owned(), average(&all));
            }
            Form::Alignbench => {
                // A category without a rated answer counts as 0, as upstream.
                let groups = GROUPS.map(|(name, members)| {
                    let scores: Vec<f64> =
                        members.iter().map(|name| metrics.get(*name).copied().unwrap_or(0.0)).collect();
                    (name.to_owned(), average(&scores))
                });
                let total = average(&groups.each_ref().map(|(_, score)| *score));
                metrics.extend(groups);
                metrics.shift_insert(0, "总分".to_owned(), total);
            }
        }
        metrics
    }
}

impl Evaluate for Single {
    fn participants(&self) -> Vec<Participant> {
        self.arguments.judge.participants()
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        if item.evidence.is_empty() { self.arguments.judge.asks(item, &|_| None) } else { Vec::new() }
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut rated = Vec::with_capacity(items.len());
        let mut details = Vec::with_capacity(items.len());
        let mut consistency = Vec::new();
        for item in items {
            let read = |outcome| self.read(judgement(outcome).ok()?);
            let found: Vec<Option<f64>> = item.evidence.iter().map(read).collect();
            let error = first_error(&item.evidence);
            let rounded: Vec<Option<i64>> =
                found.iter().map(|rating| rating.map(|rating| (rating * 100.0).round() as i64)).collect();
            consistency.extend(self.arguments.judge.consistency(&rounded));
            let score = mean(found.into_iter().flatten());
            let mut detail = Detail { score, ..detail(item) };
            detail.extra.insert("judgements".to_owned(), shown(&item.evidence));
            let unread = || "judge: found no rating".to_owned();
            detail.reason = detail.reason.or(error).or_else(|| score.is_none().then(unread));
            let category = column(item, &self.arguments.category).map_or_else(String::new, python_str);
            rated.extend(score.map(|score| (category, score)));
            details.push(detail);
        }
        let metrics = self.metrics(&rated);
        let mut scores = Scores { metrics, details, answered: answered(items), ..Scores::default() };
        scores.extra.insert("unrated".to_owned(), json!(items.len() - rated.len()));
        if let Some(share) = mean(consistency.into_iter()) {
            scores.extra.insert("judge_consistency".to_owned(), json!(100.0 * share));
        }
        scores
    }
}
