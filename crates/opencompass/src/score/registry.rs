//! The evaluators by name.

use super::{Evaluate, Reading, basic};
use crate::dataset::{DatasetConfig, Named, nearest};
use crate::{Error, Result};

/// What an evaluator is made of.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Name and arguments, usually `score.evaluator` of the dataset.
    pub named: &'a Named,
    /// The dataset whose items it judges.
    pub dataset: &'a DatasetConfig,
    /// Whether faults of OpenCompass 0.5.4 are repeated.
    pub reading: Reading,
}

/// An evaluator that dataset files can name.
#[derive(Clone, Copy, Debug)]
pub struct EvaluatorEntry {
    /// Name in dataset files.
    pub name: &'static str,
    /// Names of upstream's classes that it replaces, without their modules.
    pub upstream: &'static [&'static str],
    /// Whether the reading without the faults of OpenCompass differs.
    pub has_fixed: bool,
    /// Creates it; fails if its arguments do not fit.
    pub(crate) make: fn(&Setup<'_>) -> Result<Box<dyn Evaluate>>,
}

/// The tables of all families.
const TABLES: &[&[EvaluatorEntry]] = &[basic::ENTRIES];

/// Returns every evaluator.
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

/// Creates an evaluator.
///
/// # Errors
/// [`Error::Value`] when the name is unknown or its arguments do not fit.
pub fn evaluator(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
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
