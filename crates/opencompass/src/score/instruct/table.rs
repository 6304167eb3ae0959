//! The evaluators of this folder by name.

use super::evaluator::IfEval;
use crate::score::entry::EvaluatorEntry;
use crate::score::text::plain;

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[EvaluatorEntry {
    name: "ifeval",
    upstream: &["IFEvaluator"],
    has_fixed: false,
    make: |setup| plain(setup, IfEval),
}];
