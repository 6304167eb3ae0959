//! The result of one cell, that is of one model on one dataset.

use crate::infer::Prediction;
use crate::score::Scores;

/// The result of one model on one dataset.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CellResult {
    /// Index of the model in the evaluation.
    pub model: usize,
    /// Index of the dataset in the evaluation.
    pub dataset: usize,
    /// Scores, or the reason why the cell is refused.
    pub state: CellState,
}

/// The scores of a cell, or the reason why it is refused.
#[derive(Clone, Debug)]
pub enum CellState {
    /// Every item has a prediction, although some may have failed.
    Scored {
        /// One prediction per item, in the order of the rows.
        predictions: Vec<Prediction>,
        /// Metrics and the verdict on every item, in the reading that the dataset file names.
        scores: Box<Scores>,
        /// The scores in the other reading. Absent where both are the same.
        other: Option<Box<Scores>>,
    },
    /// The model cannot answer this dataset; the text says why.
    Refused(String),
}

impl CellResult {
    pub(crate) fn new(model: usize, dataset: usize, state: CellState) -> Self {
        Self { model, dataset, state }
    }

    /// Returns the scores, or `None` for a refused cell.
    #[must_use]
    pub fn scores(&self) -> Option<&Scores> {
        match &self.state {
            CellState::Scored { scores, .. } => Some(scores),
            CellState::Refused(_) => None,
        }
    }

    /// Returns the number of items whose scores do not tell the labels apart, if that is a tenth of the items or more:
    /// such a result says nothing about the model. `None` for all other results.
    #[must_use]
    pub fn ties(&self) -> Option<usize> {
        let CellState::Scored { predictions, .. } = &self.state else { return None };
        let ties = predictions.iter().filter(|prediction| prediction.tied).count();
        (ties > 0 && ties * 10 >= predictions.len()).then_some(ties)
    }

    /// Says whether something is missing: the cell was refused, or some items have no answer.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.scores().is_none_or(|scores| scores.answered < scores.details.len())
    }
}
