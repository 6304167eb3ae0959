//! `cascade`: a rule first, then a judge for what the rule calls wrong, or both for every item: `CascadeEvaluator`
//! upstream.

use serde::Deserialize;
use serde_json::json;

use super::panel::{Panel, first_error, judgement, majority, shown};
use super::parse::first_tag;
use crate::dataset::Named;
use crate::score::entry::{EvaluatorEntry, Setup};
use crate::score::verdict::{accuracy_scores, answered};
use crate::score::{Evaluate, FollowUp, Participant, Reading, ScoredItem, Scores, basic, exam, math, text};
use crate::{Error, Result};

/// Families of evaluators that may go first, since they ask nobody.
const RULES: [&[EvaluatorEntry]; 4] = [basic::ENTRIES, text::ENTRIES, math::ENTRIES, exam::ENTRIES];

/// Arguments of `cascade`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The evaluator that goes first.
    rule: Named,
    judge: Panel,
    /// Whether the judge is asked about every item. Default: false.
    #[serde(default)]
    parallel: bool,
}

/// An item is right if the rule or the judge calls it right.
///
/// Upstream takes a judgement for right if it is the letter A alone or begins with CORRECT. The reading `Fixed` takes the
/// first letter A or B, as the evaluator `judge` does.
pub(super) struct Cascade {
    rule: Box<dyn Evaluate>,
    judge: Panel,
    parallel: bool,
    reading: Reading,
}

impl Cascade {
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let Arguments { rule, judge, parallel } = setup.named.arguments()?;
        let entry = RULES.iter().copied().flatten().find(|entry| entry.name == rule.name());
        let entry = entry.ok_or_else(|| Error::Value {
            place: format!("{}: rule", setup.named.name()),
            found: format!("`{}`", rule.name()),
            expected: "an evaluator that asks nobody".to_owned(),
        })?;
        Ok(Box::new(Self {
            rule: (entry.make)(&Setup { named: &rule, ..*setup })?,
            judge: judge.checked(setup.named.name())?,
            parallel,
            reading: setup.reading,
        }))
    }

    /// Says whether the rule calls an item right.
    fn is_right(&self, item: &ScoredItem<'_>) -> bool {
        let scores = self.rule.evaluate(std::slice::from_ref(item));
        scores.details.first().is_some_and(|detail| match (detail.correct, detail.score) {
            (Some(correct), _) => correct,
            (None, score) => score.is_some_and(|score| score > 0.5),
        })
    }

    fn says_right(&self, judgement: &str) -> Option<bool> {
        match self.reading {
            Reading::Compat => {
                let upper = judgement.trim().to_uppercase();
                Some(upper == "A" || upper.starts_with("CORRECT"))
            }
            Reading::Fixed => first_tag(judgement, ["A", "B"]).map(|letter| letter == "A"),
        }
    }
}

impl Evaluate for Cascade {
    fn participants(&self) -> Vec<Participant> {
        self.judge.participants()
    }

    fn follow_ups(&self, item: &ScoredItem<'_>) -> Vec<FollowUp> {
        if !item.evidence.is_empty() || (!self.parallel && self.is_right(item)) {
            return Vec::new();
        }
        self.judge.asks(item, &|_| None)
    }

    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let rule = self.rule.evaluate(items);
        let mut details = Vec::with_capacity(items.len());
        let (mut by_rule, mut asked, mut by_judge) = (0_usize, 0_usize, 0_usize);
        for (item, mut detail) in items.iter().zip(rule.details) {
            let right = item.is_answered() && self.is_right(item);
            by_rule += usize::from(right);
            let mut judged = false;
            if !item.evidence.is_empty() {
                asked += 1;
                let read = |outcome| self.says_right(judgement(outcome).ok()?);
                let verdicts: Vec<Option<bool>> = item.evidence.iter().map(read).collect();
                judged = majority(&verdicts) == Some(true);
                by_judge += usize::from(judged);
                detail.extra.insert("llm_correct".to_owned(), json!(judged));
                detail.extra.insert("judgements".to_owned(), shown(&item.evidence));
                detail.reason =
                    if judged { None } else { detail.reason.or_else(|| first_error(&item.evidence)) };
            }
            detail.extra.insert("rule_correct".to_owned(), json!(right));
            detail.correct = Some(right || judged);
            details.push(detail);
        }
        let mut scores = accuracy_scores("accuracy", details, answered(items));
        let total = items.len();
        let share = |number: usize, of: usize| if of == 0 { 0.0 } else { 100.0 * number as f64 / of as f64 };
        let right = scores.correct.unwrap_or(0);
        scores.extra.insert(
            "cascade_stats".to_owned(),
            json!({
                "total_samples": total,
                "rule_correct": by_rule,
                "rule_accuracy": share(by_rule, total),
                "llm_evaluated": asked,
                "llm_correct": by_judge,
                "llm_accuracy": share(by_judge, asked),
                "final_correct": right,
                "final_accuracy": share(right, total),
                "parallel_mode": self.parallel,
            }),
        );
        scores
    }
}
