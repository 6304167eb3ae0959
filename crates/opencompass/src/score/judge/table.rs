//! The evaluators of this folder by name.

use super::cascade::Cascade;
use super::constraints::Constraints;
use super::creation::Creation;
use super::generic::Generic;
use super::pairwise::Pairwise;
use super::single::Single;
use super::toxicity::Toxicity;
use super::turns::Turns;
use crate::score::entry::EvaluatorEntry;

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[
    EvaluatorEntry {
        name: "judge",
        upstream: &["GenericLLMEvaluator"],
        has_fixed: false,
        make: Generic::create,
    },
    EvaluatorEntry {
        name: "cascade",
        upstream: &["CascadeEvaluator"],
        has_fixed: true,
        make: Cascade::create,
    },
    EvaluatorEntry {
        name: "judge_score",
        upstream: &["LMEvaluator"],
        has_fixed: false,
        make: Single::create,
    },
    EvaluatorEntry { name: "judge_turns", upstream: &[], has_fixed: false, make: Turns::create },
    EvaluatorEntry { name: "judge_constraints", upstream: &[], has_fixed: false, make: Constraints::create },
    EvaluatorEntry { name: "judge_creation", upstream: &[], has_fixed: false, make: Creation::create },
    EvaluatorEntry {
        name: "toxicity",
        upstream: &["ToxicEvaluator"],
        has_fixed: false,
        make: Toxicity::create,
    },
    EvaluatorEntry { name: "judge_pair", upstream: &[], has_fixed: false, make: Pairwise::create },
];
