//! The cost of a dataset (`SizePartitioner.get_cost` upstream).

use crate::dataset::{Dataset, Mode};
use crate::glob::glob;

/// Datasets whose answers are long, so that their rows count ten times (upstream's list).
const EXPENSIVE: [&str; 8] = [
    "bbh*",
    "gsm8k*",
    "math*",
    "strategyqa*",
    "agieval-jec*",
    "agieval-gaokao-mathcloze",
    "agieval-math",
    "*professional_law",
];

/// What a partitioner knows about a dataset.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SetSize {
    /// Name of the dataset.
    pub name: String,
    /// Number of scored rows, after the row range.
    pub rows: usize,
    /// Number of labels of a template that is scored label by label; absent for generation.
    pub labels: Option<usize>,
}

impl SetSize {
    /// Measures a loaded dataset.
    #[must_use]
    pub fn of(dataset: &Dataset) -> Self {
        let template = dataset.config.prompt.template().ok();
        let labels = template.map(|template| template.labels().len());
        let scored = dataset.config.infer.mode == Mode::Ppl;
        Self {
            name: dataset.config.name.clone(),
            rows: dataset.test.len(),
            labels: labels.filter(|labels| scored && *labels > 0),
        }
    }

    /// Returns the cost of one row; `generation` is the cost of a generated answer.
    #[must_use]
    pub fn factor(&self, generation: usize) -> usize {
        let factor = self.labels.unwrap_or(generation);
        let expensive = EXPENSIVE.iter().any(|pattern| glob(pattern.as_bytes(), self.name.as_bytes()));
        if expensive { factor * 10 } else { factor }
    }

    /// Returns the cost of all rows.
    #[must_use]
    pub fn cost(&self, generation: usize) -> usize {
        self.factor(generation) * self.rows
    }
}
