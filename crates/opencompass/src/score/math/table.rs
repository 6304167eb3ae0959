//! The evaluators of this folder by name.

use serde::Deserialize;

use super::olympiad;
use super::string_form::{Version, same_form};
use super::verify::{formulas_equal, verified};
use crate::Result;
use crate::prompt::python_str;
use crate::score::entry::{EvaluatorEntry, Setup};
use crate::score::verdict::{accuracy_scores, answered, detail, verdicts};
use crate::score::{Detail, Evaluate, ScoredItem, Scores};

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[
    EvaluatorEntry {
        name: "math",
        upstream: &["MATHEvaluator", "MATHInternEvaluator"],
        has_fixed: false,
        make: make_math,
    },
    EvaluatorEntry {
        name: "math_verify",
        upstream: &["MATHVerifyEvaluator"],
        has_fixed: false,
        make: |setup| setup.named.no_arguments().map(|()| Box::new(MathVerify) as Box<dyn Evaluate>),
    },
    EvaluatorEntry {
        name: "olympiadbench",
        upstream: &["OlympiadBenchEvaluator"],
        has_fixed: false,
        make: olympiad::make,
    },
    EvaluatorEntry {
        name: "math_equiv",
        upstream: &[],
        has_fixed: false,
        make: |setup| setup.named.no_arguments().map(|()| Box::new(MathEquiv) as Box<dyn Evaluate>),
    },
];

/// Arguments of `math`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    version: Version,
}

fn make_math(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    let Arguments { version } = setup.named.arguments()?;
    Ok(Box::new(Math { version }))
}

/// Compares answers as normalized strings.
struct Math {
    version: Version,
}

impl Evaluate for Math {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        verdicts("accuracy", items, |item| {
            !item.pred.is_null() && same_form(&item.pred_text(), &python_str(&item.answer), self.version)
        })
    }
}

/// Compares the answer of a whole text with a formula.
struct MathVerify;

impl Evaluate for MathVerify {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let judge = |item: &ScoredItem<'_>| {
            if !item.is_answered() {
                return Detail { correct: Some(false), ..detail(item) };
            }
            let verdict = verified(&item.pred_text(), &python_str(&item.answer));
            let reason = verdict.is_none().then(|| "the expected answer is not a formula".to_owned());
            Detail { correct: Some(verdict == Some(true)), reason, ..detail(item) }
        };
        accuracy_scores("accuracy", items.iter().map(judge).collect(), answered(items))
    }
}

/// Compares two formulas.
struct MathEquiv;

impl Evaluate for MathEquiv {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        verdicts("accuracy", items, |item| formulas_equal(&item.pred_text(), &python_str(&item.answer)))
    }
}
