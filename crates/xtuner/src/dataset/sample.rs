//! [`Sample`]: ids with what of them is learned.

use internlm_model::TokenId;
use internlm_train::Row;

use crate::{Error, Result};

/// One sequence of ids with what of it is learned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// All ids, the first token of the vocabulary included where sequences begin with one.
    pub ids: Vec<TokenId>,
    /// How much the id at the same place counts as a label; 0 when the model does not learn to produce it.
    pub weights: Vec<f32>,
}

impl Sample {
    /// The sample as a row of its own: labels are shifted, those without weight are absent. The row has weights only if
    /// some label does not count once.
    #[must_use]
    pub fn row(&self) -> Row {
        let next = || self.ids.iter().zip(&self.weights).skip(1);
        let labels = next().map(|(id, weight)| (*weight != 0.0).then_some(*id)).chain([None]);
        let is_weighted = next().any(|(_, weight)| *weight != 0.0 && *weight != 1.0);
        let weights = || next().map(|(_, weight)| *weight).chain([0.0]).collect();
        Row {
            ids: self.ids.clone(),
            labels: labels.take(self.ids.len()).collect(),
            cu_seqlens: vec![0, self.ids.len()],
            weights: is_weighted.then(weights),
        }
    }

    /// Number of ids that the model learns to produce; the first id of a sequence is never one.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.weights.iter().skip(1).filter(|weight| **weight != 0.0).count()
    }

    /// Sum of the weights of the labels.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weights.iter().skip(1).map(|weight| f64::from(*weight)).sum()
    }

    /// Adds ids that all count `weight`.
    pub(crate) fn extend(&mut self, ids: &[TokenId], weight: f32) {
        self.ids.extend_from_slice(ids);
        self.weights.resize(self.ids.len(), weight);
    }

    /// Leaves the first `length` ids.
    pub(super) fn truncate(&mut self, length: usize) {
        self.ids.truncate(length);
        self.weights.truncate(length);
    }
}

/// Refuses weights that are not numbers from 0.
pub(crate) fn check_weights<'a>(mut weights: impl Iterator<Item = &'a f32>) -> Result<()> {
    match weights.find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
        Some(weight) => Err(Error::mismatch("weight", weight.to_string(), "a number from 0")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(weights: [f32; 4]) -> Sample {
        Sample { ids: [1, 5, 6, 7].map(TokenId).to_vec(), weights: weights.to_vec() }
    }

    #[test]
    fn labels_are_shifted_and_masked() {
        let sample = sample([0.0, 0.0, 1.0, 1.0]);
        let row = sample.row();
        assert_eq!(row.labels, [None, Some(TokenId(6)), Some(TokenId(7)), None]);
        assert_eq!((sample.labels(), row.cu_seqlens, row.weights), (2, vec![0, 4], None));
    }

    #[test]
    fn weights_belong_to_labels() {
        let sample = sample([3.0, 0.0, 0.5, 1.0]);
        let row = sample.row();
        assert_eq!(row.labels, [None, Some(TokenId(6)), Some(TokenId(7)), None]);
        assert_eq!((sample.labels(), sample.weight()), (2, 1.5));
        assert_eq!(row.weights, Some(vec![0.0, 0.5, 1.0, 0.0]));
        assert_eq!(row.weight(), 1.5);
        assert!(Sample::default().row().labels.is_empty());
    }
}
