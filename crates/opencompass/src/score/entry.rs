//! [`EvaluatorEntry`]: an evaluator as the registry lists it, and what it is made of.

use std::collections::BTreeMap;

use super::{Evaluate, Reading};
use crate::Result;
use crate::dataset::{DatasetConfig, Named};

/// What an evaluator is made of.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Name and arguments, usually `score.evaluator` of the dataset.
    pub named: &'a Named,
    /// The dataset whose items it judges.
    pub dataset: &'a DatasetConfig,
    /// Contents of the dataset's `source.resources`; empty while only the file is checked.
    pub resources: &'a BTreeMap<String, Vec<u8>>,
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
