//! [`RowsConfig`]: how sets of samples become rows, and how much each sample counts.

use internlm_kit::rng::CounterRng;
use internlm_train::Row;
use serde::{Deserialize, Serialize};

use super::{PackingConfig, Sample};
use crate::{Error, Result};

/// What counts once in the loss of a step, whose total weight is taken over all its rows, passes and ranks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Every label: long answers count more than short ones. The default.
    #[default]
    Token,
    /// Every sample: each of its n labels counts 1 / n.
    Sample,
    /// In between: each of the n labels of a sample counts 1 / sqrt(n).
    Square,
}

impl Reduction {
    /// The factor of each label of a sample whose labels weigh `weight` together.
    fn factor(self, weight: f64) -> f64 {
        match self {
            Self::Token => 1.0,
            Self::Sample => 1.0 / weight,
            Self::Square => 1.0 / weight.sqrt(),
        }
    }
}

/// Samples of one origin.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleSet {
    /// Samples in the order of their documents.
    pub samples: Vec<Sample>,
    /// How often an epoch holds each sample: 2.5 is twice each of them, and half of them once more.
    pub repeat: f64,
    /// How much each label of the set counts in the loss.
    pub weight: f32,
}

impl SampleSet {
    /// Samples that an epoch holds once and whose labels count once.
    #[must_use]
    pub fn new(samples: Vec<Sample>) -> Self {
        Self { samples, repeat: 1.0, weight: 1.0 }
    }

    /// The samples of an epoch as rows of their own; `number` is the set's.
    pub(super) fn rows(&self, number: usize, config: &RowsConfig) -> Result<Vec<Row>> {
        if !(self.repeat.is_finite() && self.repeat >= 0.0) {
            return Err(Error::mismatch("repeat of a source", self.repeat.to_string(), "a number from 0"));
        }
        if !(self.weight.is_finite() && self.weight > 0.0) {
            return Err(Error::mismatch("weight of a source", self.weight.to_string(), "more than 0"));
        }
        let count = self.samples.len();
        let copies = self.repeat.floor();
        let rest = ((self.repeat - copies) * count as f64).round() as usize;
        let chosen = CounterRng::new(config.seed, "repeat").split(number as u64).permutation(count);
        let whole = std::iter::repeat_n(0..count, copies as usize).flatten();
        let samples = whole.chain(chosen.into_iter().take(rest)).map(|sample| &self.samples[sample]);
        let learned = samples.filter(|sample| sample.labels() > 0);
        Ok(learned.map(|sample| self.row(sample, config.reduction)).collect())
    }

    fn row(&self, sample: &Sample, reduction: Reduction) -> Row {
        let factor = (f64::from(self.weight) * reduction.factor(sample.weight())) as f32;
        let mut row = sample.row();
        if factor != 1.0 {
            let mut weights = row.weights.take().unwrap_or_else(|| vec![1.0; row.tokens()]);
            weights.iter_mut().for_each(|weight| *weight *= factor);
            row.weights = Some(weights);
        }
        row
    }
}

/// How samples become rows.
///
/// ```
/// use xtuner::dataset::{PackingConfig, Reduction, RowsConfig};
///
/// let rows = RowsConfig::new(2048, 4).with_seed(7).with_packing(PackingConfig::Hard);
/// assert_eq!((rows.rows_per_step, rows.reduction), (4, Reduction::Token));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RowsConfig {
    /// Maximum number of tokens of a row, at least 1.
    pub row_tokens: usize,
    /// Number of rows of one optimizer step, at least 1.
    pub rows_per_step: usize,
    /// Seed of packing and order, default 42.
    pub seed: u64,
    /// How samples share rows, default soft.
    pub packing: PackingConfig,
    /// What counts once in the loss, default every token.
    pub reduction: Reduction,
    /// Whether the rows of a step have similar lengths, default false.
    pub group_by_length: bool,
}

impl RowsConfig {
    /// Rows of at most `row_tokens` tokens, `rows_per_step` of them in a step, everything else at its default.
    #[must_use]
    pub fn new(row_tokens: usize, rows_per_step: usize) -> Self {
        Self {
            row_tokens,
            rows_per_step,
            seed: 42,
            packing: PackingConfig::default(),
            reduction: Reduction::default(),
            group_by_length: false,
        }
    }

    /// The same rows in the order of another seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same samples, sharing rows in this way.
    #[must_use]
    pub fn with_packing(self, packing: PackingConfig) -> Self {
        Self { packing, ..self }
    }

    /// The same rows with labels that count as `reduction` says.
    #[must_use]
    pub fn with_reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// The same rows, those of similar length in one step.
    #[must_use]
    pub fn with_groups_by_length(self) -> Self {
        Self { group_by_length: true, ..self }
    }

    pub(super) fn check(&self) -> Result<()> {
        let sizes = [("dataset.row-tokens", self.row_tokens), ("dataset.rows-per-step", self.rows_per_step)];
        match sizes.into_iter().find(|(_, size)| *size == 0) {
            Some((key, _)) => Err(Error::mismatch(key, "0", "at least 1")),
            None => Ok(()),
        }
    }
}
