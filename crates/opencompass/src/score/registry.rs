//! The evaluators by name.

use super::{
    Evaluate, EvaluatorEntry, Setup, agent, basic, circular, code, exam, instruct, judge, law, long, math,
    needle, text,
};
use crate::dataset::{DatasetConfig, nearest};
use crate::{Error, Result};

/// The tables of all families.
const TABLES: &[&[EvaluatorEntry]] = &[
    basic::ENTRIES,
    text::ENTRIES,
    long::ENTRIES,
    needle::ENTRIES,
    math::ENTRIES,
    exam::ENTRIES,
    code::ENTRIES,
    agent::ENTRIES,
    law::ENTRIES,
    instruct::ENTRIES,
    circular::ENTRIES,
    judge::ENTRIES,
];

/// Returns every evaluator that dataset files can name.
pub fn evaluators() -> impl Iterator<Item = &'static EvaluatorEntry> {
    TABLES.iter().copied().flatten()
}

/// Says whether a dataset has two readings: its evaluator or one of its post-processors differs between them.
pub(super) fn has_two_readings(config: &DatasetConfig) -> bool {
    let score = &config.score;
    let evaluator = evaluators().any(|entry| entry.name == score.evaluator.name() && entry.has_fixed);
    let mut posts = score.post.iter().chain(&score.reference_post);
    evaluator || posts.any(|named| super::post::entry(named.name()).is_some_and(|entry| entry.has_fixed))
}

/// Says whether a dataset's evaluator runs programs.
#[cfg(feature = "sandbox")]
pub(crate) fn runs_programs(config: &DatasetConfig) -> bool {
    code::ENTRIES.iter().any(|entry| entry.name == config.score.evaluator.name())
}

/// Creates the evaluator that a dataset file names.
///
/// # Errors
/// [`Error::Value`] when the name is unknown or its arguments do not fit.
pub fn named_evaluator(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    let name = setup.named.name();
    match evaluators().find(|entry| entry.name == name) {
        Some(entry) => (entry.make)(setup),
        None => {
            let near = nearest(name, evaluators().map(|entry| entry.name));
            let expected = near.map_or("a known one".to_owned(), |near| format!("`{near}`?"));
            Err(Error::Value { place: "evaluator".to_owned(), found: format!("`{name}`"), expected })
        }
    }
}
