//! The evaluators of this folder by name.

use super::icl::CircularLetters;
use super::rotations::Circular;
use crate::score::entry::EvaluatorEntry;
use crate::score::text::plain;

/// Entries of the registry.
pub(in crate::score) const ENTRIES: &[EvaluatorEntry] = &[
    EvaluatorEntry {
        name: "circular",
        upstream: &["CircularEvaluator"],
        has_fixed: false,
        make: Circular::create,
    },
    EvaluatorEntry {
        name: "circular_icl",
        upstream: &[],
        has_fixed: false,
        make: |setup| plain(setup, CircularLetters),
    },
];
