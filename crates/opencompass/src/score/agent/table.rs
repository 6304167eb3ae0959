//! The evaluators of this folder by name.

use serde::Deserialize;

use super::bfcl::Bfcl;
use super::cibench::CiBench;
use super::math_agent::{CodeShare, MathAgent};
use super::teval::TEval;
use super::teval_meaning::Meaning;
use crate::dataset::Named;
use crate::score::entry::{EvaluatorEntry, Setup};
use crate::score::{Evaluate, basic, math};
use crate::{Error, Result};

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[
    EvaluatorEntry {
        name: "math_agent",
        upstream: &["MATHAgentEvaluator"],
        has_fixed: true,
        make: |setup| mathematics(setup, Named::new("math"), CodeShare::OfCalls),
    },
    EvaluatorEntry {
        name: "gsm8k_agent",
        upstream: &["Gsm8kAgentEvaluator"],
        has_fixed: true,
        make: |setup| mathematics(setup, Named::new("gsm8k"), CodeShare::OfAll),
    },
    EvaluatorEntry {
        name: "cibench",
        upstream: &["CIBenchEvaluator"],
        has_fixed: false,
        make: |setup| setup.named.no_arguments().map(|()| Box::new(CiBench) as Box<dyn Evaluate>),
    },
    EvaluatorEntry {
        name: "teval",
        upstream: &["TEvalEvaluator"],
        has_fixed: false,
        make: |setup| Ok(Box::new(TEval::new(setup)?)),
    },
    EvaluatorEntry { name: "teval_meaning", upstream: &[], has_fixed: false, make: Meaning::create },
    EvaluatorEntry {
        name: "bfcl",
        upstream: &[],
        has_fixed: false,
        make: |setup| Ok(Box::new(Bfcl::new(setup)?)),
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Name of the tool whose calls count.
    #[serde(default = "interpreter")]
    action: String,
    /// Version of upstream's comparison of mathematics. Only for `math_agent`.
    #[serde(default)]
    version: Option<String>,
}

fn interpreter() -> String {
    "PythonInterpreter".to_owned()
}

fn mathematics(setup: &Setup<'_>, equality: Named, code_share: CodeShare) -> Result<Box<dyn Evaluate>> {
    let arguments: Arguments = setup.named.arguments()?;
    let equality = match arguments.version {
        Some(version) => equality.with("version", version),
        None => equality,
    };
    // The evaluator of plain answers also refuses a version that it does not have.
    let mut known = basic::ENTRIES.iter().chain(math::ENTRIES);
    let entry = known.find(|entry| entry.name == equality.name()).ok_or_else(|| Error::Value {
        place: setup.named.name().to_owned(),
        found: format!("`{}`", equality.name()),
        expected: "an evaluator of plain answers".to_owned(),
    })?;
    let equality = (entry.make)(&Setup { named: &equality, ..*setup })?;
    Ok(Box::new(MathAgent { action: arguments.action, equality, code_share, reading: setup.reading }))
}
