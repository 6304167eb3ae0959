//! `judge_creation`: a judge rates creative writing in several dimensions (CreationBench; upstream's
//! `CreationBenchSummarizer`).

use std::sync::LazyLock;

use indexmap::IndexMap;
use regex::Regex;
use serde::Deserialize;
use serde_json::json;

use super::align_bench::{OVERALL, ratings};
use super::panel::{Panel, first_error, judgement, mean, shown};
use super::template::column;
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::text::words::{built_in, two_decimals};
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, FollowUp, Metrics, Participant, ScoredItem, Scores};

/// The English dimensions; the last is the overall score.
const DIMENSIONS: [&str; 5] =
    ["Creativity", "Richness", "User Demand Fulfillment", "Logical Coherence", "Overall Score"];
/// Highest rating.
const HIGHEST: u64 = 10;
/// The categories of each language.
const GROUPS: [(&str, [&str; 3]); 2] = [
    ("中文总分", ["内容扩写_ZH", "内容续写_ZH", "内容改写_ZH"]),
    ("英文总分", ["内容扩写_EN", "内容续写_EN", "内容改写_EN"]),
];

static ENTRY: LazyLock<Regex> = LazyLock::new(|| built_in(r"'(.*?)': (\d+)"));

/// Arguments of `judge_creation`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    judge: Panel,
    /// Column of the category of a question. Default: `capability`.
    #[serde(default = "capability")]
    category: String,
}

fn capability() -> String {
    "capability".to_owned()
}

/// Lets judges rate texts. Texts without an overall score are left out, and their number is in `Scores::extra`.
pub(super) struct Creation {
    arguments: Arguments,
}

impl Creation {
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let arguments: Arguments = setup.named.arguments()?;
        let judge = arguments.judge.checked(setup.named.name())?;
        Ok(Box::new(Self { arguments: Arguments { judge, ..arguments } }))
    }
}

/// The overall score of a judgement in Chinese or English.
fn overall(judgement: &str) -> Option<f64> {
    if let Some(found) = ratings(judgement) {
        return Some(found[OVERALL] as f64);
    }
    let open = judgement.rfind('{')?;
    let close = open + judgement[open..].find('}')?;
    let mut score = None;
    for entry in ENTRY.captures_iter(&judgement[open..close]) {
        let rating: u64 = entry[2].parse().ok().filter(|rating: &u64| *rating <= HIGHEST)?;
        let place = DIMENSIONS.iter().position(|name| *name == &entry[1])?;
        if place + 1 == DIMENSIONS.len() {
            score = Some(rating as f64);
        }
    }
    score
}

/// The means of the categories, of the languages and of all. A category without a rated text counts as 0, as upstream.
fn metrics(rated: &[(String, f64)]) -> Metrics {
    let average = |scores: &[f64]| two_decimals(mean(scores.iter().copied()).unwrap_or(0.0));
    let mut categories: IndexMap<&str, Vec<f64>> = IndexMap::new();
    for (category, score) in rated {
        categories.entry(category).or_default().push(*score);
    }
    let mut metrics: Metrics =
        categories.iter().map(|(name, scores)| ((*name).to_owned(), average(scores))).collect();
    if rated.is_empty() {
        return metrics;
    }
    let groups = GROUPS.map(|(name, members)| {
        let scores = members.map(|member| metrics.get(member).copied().unwrap_or(0.0));
        (name.to_owned(), average(&scores))
    });
    let total = average(&groups.each_ref().map(|(_, score)| *score));
    metrics.extend(groups);
    metrics.shift_insert(0, "总分".to_owned(), total);
    metrics
}

impl Evaluate for Creation {
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
            let score = mean(item.evidence.iter().filter_map(|outcome| overall(judgement(outcome).ok()?)));
            let error = first_error(&item.evidence);
            let mut detail = Detail { score, ..detail(item) };
            detail.extra.insert("judgements".to_owned(), shown(&item.evidence));
            let unread = || "judge: found no rating".to_owned();
            detail.reason = detail.reason.or(error).or_else(|| score.is_none().then(unread));
            let category = column(item, &self.arguments.category).map_or_else(String::new, python_str);
            rated.extend(score.map(|score| (category, score)));
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
    fn both_languages_are_read() {
        for (judgement, expected) in [
            ("{'Creativity': 8, 'Richness': 7, 'Overall Score': 6}", Some(6.0)),
            ("说明\n{'创造性': 8, '丰富度': 7, '综合得分': 5}", Some(5.0)),
            ("{'Creativity': 8}", None),
            ("{'Speed': 8, 'Overall Score': 6}", None),
            ("{'Overall Score': 11}", None),
            ("good", None),
        ] {
            assert_eq!(overall(judgement), expected, "{judgement}");
        }
    }

    #[test]
    fn categories_have_groups() {
        let rated = [
            ("内容扩写_ZH".to_owned(), 9.0),
            ("内容扩写_ZH".to_owned(), 6.0),
            ("内容续写_EN".to_owned(), 3.0),
        ];
        let found = metrics(&rated);
        assert_eq!([found["内容扩写_ZH"], found["中文总分"], found["英文总分"]], [7.5, 2.5, 1.0]);
        assert_eq!(found.get_index(0), Some((&"总分".to_owned(), &1.75)));
    }
}
