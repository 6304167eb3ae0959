//! `judge_constraints`: a judge says which constraints an answer satisfies (FollowBench, Jiang et al. 2023,
//! arXiv:2310.20410; upstream's post-processor `followbench`).

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::panel::{Panel, first_error, judgement, mean, shown};
use super::template::column;
use crate::Result;
use crate::score::entry::Setup;
use crate::score::text::words::built_in;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, FollowUp, Metrics, Participant, ScoredItem, Scores};

/// Number of levels: one constraint to five.
const LEVELS: usize = 5;

static LIST: LazyLock<Regex> = LazyLock::new(|| built_in(r"\[.*\]"));
static ELEMENT: LazyLock<Regex> = LazyLock::new(|| built_in(r#"^(?:'([^'\\]*)'|"([^"\\]*)")$"#));

/// Arguments of `judge_constraints`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    judge: Panel,
    /// Column of the number of constraints. Default: `level`.
    #[serde(default = "level")]
    level: String,
}

fn level() -> String {
    "level".to_owned()
}

/// Lets judges check constraints. The shares are from 0 to 1, as upstream has them.
pub(super) struct Constraints {
    arguments: Arguments,
}

/// Whether all constraints are satisfied, as 0 or 1, and the share of those that are.
type Satisfied = (f64, f64);

impl Constraints {
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let arguments: Arguments = setup.named.arguments()?;
        let judge = arguments.judge.checked(setup.named.name())?;
        Ok(Box::new(Self { arguments: Arguments { judge, ..arguments } }))
    }

    /// The level of an item, from 1 to 5.
    fn level(&self, item: &ScoredItem<'_>) -> Option<usize> {
        let level = column(item, &self.arguments.level)?.as_u64()?;
        usize::try_from(level).ok().filter(|level| (1..=LEVELS).contains(level))
    }
}

/// Reads the last line of a judgement: YES or NO for one constraint, a list of them for more.
fn satisfied(judgement: &str, level: usize) -> Option<Satisfied> {
    let last = judgement.trim_matches('`').trim().rsplit('\n').next()?;
    if level == 1 {
        return match (last.contains("YES"), last.contains("NO")) {
            (true, _) => Some((1.0, 1.0)),
            (false, true) => Some((0.0, 0.0)),
            (false, false) => None,
        };
    }
    let list = LIST.find(last)?.as_str();
    let inner = list[1..list.len() - 1].trim().trim_end_matches(',');
    let elements: Vec<bool> =
        inner.split(',').map(|element| is_yes(element.trim())).collect::<Option<_>>()?;
    if elements.len() != level {
        return None;
    }
    let count = elements.iter().filter(|yes| **yes).count();
    Some((f64::from(u8::from(count == level)), count as f64 / level as f64))
}

/// Reads an element of the list; `None` for other words.
fn is_yes(element: &str) -> Option<bool> {
    let found = ELEMENT.captures(element)?;
    match found.get(1).or_else(|| found.get(2))?.as_str() {
        "YES" | "True" => Some(true),
        "NO" | "False" | "PARTIAL" | "MAYBE" | "UNKNOWN" | "N/A" => Some(false),
        _ => None,
    }
}

/// The shares of each level and their means. As upstream, every level counts as a fifth of the items, less those of the
/// level whose judgement cannot be read.
fn metrics(items: &[(usize, Option<Satisfied>)]) -> Metrics {
    let mut counts = [items.len() / LEVELS; LEVELS];
    let mut sums = [(0.0, 0.0); LEVELS];
    for (level, satisfied) in items {
        let place = level - 1;
        match satisfied {
            Some((hard, soft)) => sums[place] = (sums[place].0 + hard, sums[place].1 + soft),
            None => counts[place] = counts[place].saturating_sub(1),
        }
    }
    let share = |sum: f64, place: usize| if counts[place] == 0 { 0.0 } else { sum / counts[place] as f64 };
    let hard: Vec<f64> = sums.iter().enumerate().map(|(place, sum)| share(sum.0, place)).collect();
    let soft: Vec<f64> = sums.iter().enumerate().map(|(place, sum)| share(sum.1, place)).collect();
    let mut metrics = Metrics::new();
    if items.is_empty() {
        return metrics;
    }
    for (name, shares) in [("HSR", &hard), ("SSR", &soft)] {
        metrics.insert(format!("{name}_AVG"), mean(shares.iter().copied()).unwrap_or(0.0));
    }
    for (name, shares) in [("HSR", hard), ("SSR", soft)] {
        metrics.extend(
            shares.into_iter().enumerate().map(|(place, share)| (format!("{name}_L{}", place + 1), share)),
        );
    }
    metrics
}

impl Evaluate for Constraints {
    fn participants(&self) -> Vec<Participant> {
        self.arguments.judge.participants()
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        if item.evidence.is_empty() { self.arguments.judge.asks(item, &|_| None) } else { Vec::new() }
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut found = Vec::with_capacity(items.len());
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            let mut detail: Detail = detail(item);
            detail.extra.insert("judgements".to_owned(), shown(&item.evidence));
            let Some(level) = self.level(item) else {
                let message = format!("{}: found no number of constraints from 1 to 5", self.arguments.level);
                detail.reason = detail.reason.or(Some(message));
                details.push(detail);
                continue;
            };
            let read: Vec<Satisfied> = item
                .evidence
                .iter()
                .filter_map(|outcome| satisfied(judgement(outcome).ok()?, level))
                .collect();
            let hard = mean(read.iter().map(|(hard, _)| *hard));
            let soft = mean(read.iter().map(|(_, soft)| *soft));
            detail.score = soft;
            let error = first_error(&item.evidence);
            let unread = || "judge: found no list of satisfied constraints".to_owned();
            detail.reason = detail.reason.or(error).or_else(|| soft.is_none().then(unread));
            found.push((level, hard.zip(soft)));
            details.push(detail);
        }
        Scores { metrics: metrics(&found), details, answered: answered(items), ..Scores::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judgements_are_read_as_upstream_reads_them() {
        for (judgement, level, expected) in [
            ("Because.\nYES", 1, Some((1.0, 1.0))),
            ("```\nNO\n```", 1, Some((0.0, 0.0))),
            ("maybe", 1, None),
            ("x\n['YES', 'NO']", 2, Some((0.0, 0.5))),
            ("['YES', \"True\", 'YES']", 3, Some((1.0, 1.0))),
            ("['YES', 'NO']", 3, None),
            ("['YES', 'SURE']", 2, None),
            ("YES and NO", 2, None),
        ] {
            assert_eq!(satisfied(judgement, level), expected, "{judgement}");
        }
    }

    #[test]
    fn levels_count_as_fifths() {
        let items = [
            (1, Some((1.0, 1.0))),
            (2, Some((0.0, 0.5))),
            (3, None),
            (4, Some((0.0, 0.25))),
            (5, Some((1.0, 1.0))),
        ];
        // get_scores upstream for the same judgements.
        let found = metrics(&items);
        assert_eq!([found["HSR_AVG"], found["HSR_L1"], found["HSR_L3"]], [0.4, 1.0, 0.0]);
        assert!((found["SSR_AVG"] - 0.55).abs() < 1e-12 && found["SSR_L4"] == 0.25, "{found:?}");
        assert_eq!(found.len(), 12);
    }
}
