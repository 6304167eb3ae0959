//! `judge_turns`: a judge rates every turn of a conversation, and the worst turn counts (MT-Bench-101; upstream's
//! post-processor `mtbench101`).

use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::Regex;
use serde::Deserialize;
use serde_json::json;

use super::panel::{Panel, first_error, judgement, mean, shown};
use super::template::column;
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::text::words::built_in;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, FollowUp, Metrics, Participant, ScoredItem, Scores};

static RATING: LazyLock<Regex> = LazyLock::new(|| built_in(r"\[([0-9]+)\]"));

/// Arguments of `judge_turns`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    judge: Panel,
    /// Column of the task, which gets a score of its own. Default: `task`.
    #[serde(default = "task")]
    task: String,
    /// Column that turns of one conversation share. Default: `multi_id`.
    #[serde(default = "multi_id")]
    conversation: String,
}

fn task() -> String {
    "task".to_owned()
}

fn multi_id() -> String {
    "multi_id".to_owned()
}

/// Lets judges rate turns. Turns without a rating are left out, as upstream does, and their number is in
/// `Scores::extra`.
pub(super) struct Turns {
    arguments: Arguments,
}

impl Turns {
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let arguments: Arguments = setup.named.arguments()?;
        let judge = arguments.judge.checked(setup.named.name())?;
        Ok(Box::new(Self { arguments: Arguments { judge, ..arguments } }))
    }
}

/// The number in the first brackets.
fn rating(judgement: &str) -> Option<f64> {
    RATING.captures(judgement)?.get(1)?.as_str().parse().ok()
}

/// The mean over tasks of the mean over conversations of the worst turn, and the mean of each task.
fn metrics(rated: &[((String, String), f64)]) -> Metrics {
    let mut worst: IndexMap<&(String, String), f64> = IndexMap::new();
    for (place, rating) in rated {
        worst.entry(place).and_modify(|known| *known = known.min(*rating)).or_insert(*rating);
    }
    let mut tasks: IndexMap<&str, Vec<f64>> = IndexMap::new();
    for ((task, _), rating) in worst {
        tasks.entry(task).or_default().push(rating);
    }
    let means: Vec<(&str, f64)> =
        tasks.into_iter().filter_map(|(task, ratings)| Some((task, mean(ratings.into_iter())?))).collect();
    let mut metrics = Metrics::new();
    if let Some(average) = mean(means.iter().map(|(_, score)| *score)) {
        metrics.insert("avg".to_owned(), format!("{average:.3}").parse().unwrap_or(average));
    }
    metrics.extend(means.into_iter().map(|(task, score)| (task.to_owned(), score)));
    metrics
}

impl Evaluate for Turns {
    fn participants(&self) -> Vec<Participant> {
        self.arguments.judge.participants()
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        if item.evidence.is_empty() { self.arguments.judge.asks(item, &|_| None) } else { Vec::new() }
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut rated = Vec::with_capacity(items.len());
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let ratings = item.evidence.iter().filter_map(|outcome| rating(judgement(outcome).ok()?));
            let score = mean(ratings);
            let error = first_error(&item.evidence);
            let mut detail = Detail { score, ..detail(item) };
            detail.extra.insert("judgements".to_owned(), shown(&item.evidence));
            let unread = || "judge: found no rating".to_owned();
            detail.reason = detail.reason.or(error).or_else(|| score.is_none().then(unread));
            let place = |name: &str| column(item, name).map_or_else(String::new, python_str);
            let place = (place(&self.arguments.task), place(&self.arguments.conversation));
            rated.extend(score.map(|score| (place, score)));
            details.push(detail);
        }
        let metrics = metrics(&rated);
        let mut scores = Scores { metrics, details, answered: answered(items), ..Scores::default() };
        scores.extra.insert("unrated".to_owned(), json!(items.len() - rated.len()));
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_turn_counts() {
        let turn = |task: &str, id: &str, rating: f64| ((task.to_owned(), id.to_owned()), rating);
        let rated = [turn("CM", "1", 8.0), turn("CM", "1", 5.0), turn("CM", "2", 10.0), turn("GR", "3", 4.0)];
        // get_final_results upstream: {'avg': 5.75, 'CM': 7.5, 'GR': 4.0}.
        let expected = [("avg", 5.75), ("CM", 7.5), ("GR", 4.0)];
        let found = metrics(&rated);
        assert!(found.iter().map(|(name, value)| (name.as_str(), *value)).eq(expected), "{found:?}");
        assert!(metrics(&[]).is_empty());
        assert_eq!(
            [rating("Rating: [[7]]"), rating("[x] 7"), rating("[3] or [4]")],
            [Some(7.0), None, Some(3.0)]
        );
    }
}
