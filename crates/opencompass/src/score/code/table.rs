//! The evaluators of this folder by name.

use super::ds1000::Ds1000;
use super::extract::Place;
use super::human_eval_x::HumanEvalX;
use super::lcb_answers::Part;
use super::lines::Likeness;
use super::polyglot::{Polyglot, Taken};
use super::python_tests::{Counted, Job, PythonTests};
use super::stdio::Cases;
use super::{human_eval, lcb_answers, mbpp};
use crate::Result;
use crate::score::Evaluate;
use crate::score::entry::{EvaluatorEntry, Setup};

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[
    EvaluatorEntry {
        name: "humaneval",
        upstream: &["HumanEvalEvaluator"],
        has_fixed: false,
        make: |setup| python(setup, "humaneval_pass@1", human_eval::job, Counted::Share),
    },
    EvaluatorEntry {
        name: "humaneval_plus",
        upstream: &["HumanEvalPlusEvaluator"],
        has_fixed: false,
        make: |setup| python(setup, "humaneval_plus_pass@1", human_eval::plus_job, Counted::Share),
    },
    EvaluatorEntry {
        name: "mbpp",
        upstream: &["MBPPEvaluator", "MBPPEvaluator2", "MBPPPassKEvaluator"],
        has_fixed: true,
        make: |setup| python(setup, "score", mbpp::job, Counted::Results),
    },
    EvaluatorEntry {
        name: "mbpp_plus",
        upstream: &[],
        has_fixed: false,
        make: |setup| python(setup, "mbpp_plus_pass@1", mbpp::plus_job, Counted::Share),
    },
    EvaluatorEntry {
        name: "multipl_e",
        upstream: &["MultiplEEvaluator"],
        has_fixed: false,
        make: |setup| Ok(Box::new(Polyglot::new(setup, Taken::Continuation)?)),
    },
    EvaluatorEntry {
        name: "humaneval_multi",
        upstream: &["HumanevalMultiEvaluator"],
        has_fixed: false,
        make: |setup| Ok(Box::new(Polyglot::new(setup, Taken::UpToStop)?)),
    },
    EvaluatorEntry {
        name: "humaneval_x",
        upstream: &["HumanevalXEvaluator"],
        has_fixed: false,
        make: HumanEvalX::create,
    },
    EvaluatorEntry {
        name: "lcb_execution",
        upstream: &["LCBCodeExecutionEvaluator"],
        has_fixed: false,
        make: |setup| lcb_answers::create(setup, Part::Execution),
    },
    EvaluatorEntry {
        name: "lcb_test_output",
        upstream: &["LCBTestOutputEvaluator"],
        has_fixed: false,
        make: |setup| lcb_answers::create(setup, Part::TestOutput),
    },
    EvaluatorEntry {
        name: "ds1000",
        upstream: &["DS1000Evaluator"],
        has_fixed: false,
        make: |setup| setup.named.no_arguments().map(|()| Box::new(Ds1000) as Box<dyn Evaluate>),
    },
    EvaluatorEntry {
        name: "apps",
        upstream: &["APPSEvaluator"],
        has_fixed: false,
        make: |setup| cases(setup, Place::FirstBlock, Likeness::Words, 4),
    },
    EvaluatorEntry {
        name: "taco",
        upstream: &["TACOEvaluator"],
        has_fixed: false,
        make: |setup| cases(setup, Place::FirstBlock, Likeness::Words, 4),
    },
    EvaluatorEntry {
        name: "livecodebench",
        upstream: &["LCBCodeGenerationEvaluator"],
        has_fixed: false,
        make: |setup| cases(setup, Place::FirstFences, Likeness::Lines, 6),
    },
];

fn python(setup: &Setup<'_>, metric: &'static str, job: Job, counted: Counted) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(PythonTests { metric, job, counted, reading: setup.reading }))
}

fn cases(setup: &Setup<'_>, place: Place, likeness: Likeness, seconds: u64) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(Cases { place, likeness, seconds }))
}
