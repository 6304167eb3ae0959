//! The evaluators of this folder by name.

use super::measure::BitsPerByte;
use super::tool_calls::ToolCalls;
use super::unscored::Unscored;
use super::{exact_match, gsm8k_equal, lambada_correct, number_equal};
use crate::Result;
use crate::score::entry::{EvaluatorEntry, Setup};
use crate::score::verdict::verdicts;
use crate::score::{Evaluate, ScoredItem, Scores};

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[
    EvaluatorEntry {
        name: "acc",
        upstream: &["AccEvaluator", "AccwithDetailsEvaluator"],
        has_fixed: false,
        make: |setup| equality(setup, "accuracy", |item| item.pred_text() == text(item)),
    },
    EvaluatorEntry {
        name: "em",
        upstream: &["EMEvaluator"],
        has_fixed: false,
        make: |setup| equality(setup, "score", |item| exact_match(&item.pred_text(), &item.references())),
    },
    EvaluatorEntry {
        name: "gsm8k",
        upstream: &["Gsm8kEvaluator"],
        has_fixed: false,
        make: |setup| equality(setup, "accuracy", |item| gsm8k_equal(&item.pred_text(), &text(item))),
    },
    EvaluatorEntry {
        name: "number",
        upstream: &[],
        has_fixed: false,
        make: |setup| equality(setup, "accuracy", |item| number_equal(&item.pred_text(), &text(item))),
    },
    EvaluatorEntry {
        name: "lambada",
        upstream: &["LambadaEvaluator"],
        has_fixed: false,
        make: |setup| equality(setup, "accuracy", |item| lambada_correct(&item.pred_text(), &text(item))),
    },
    EvaluatorEntry { name: "unscored", upstream: &[], has_fixed: false, make: Unscored::create },
    EvaluatorEntry {
        name: "tool_call",
        upstream: &[],
        has_fixed: false,
        make: |setup| Ok(Box::new(ToolCalls::new(setup)?)),
    },
    EvaluatorEntry {
        name: "bits_per_byte",
        upstream: &[],
        has_fixed: false,
        make: |setup| setup.named.no_arguments().map(|()| Box::new(BitsPerByte) as Box<dyn Evaluate>),
    },
];

/// An evaluator that compares each answer with its reference.
struct Equality {
    metric: &'static str,
    equal: fn(&ScoredItem<'_>) -> bool,
}

impl Evaluate for Equality {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        verdicts(self.metric, items, self.equal)
    }
}

fn equality(
    setup: &Setup<'_>,
    metric: &'static str,
    equal: fn(&ScoredItem<'_>) -> bool,
) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(Equality { metric, equal }))
}

/// The expected answer as text.
fn text(item: &ScoredItem<'_>) -> String {
    crate::prompt::python_str(&item.answer)
}
