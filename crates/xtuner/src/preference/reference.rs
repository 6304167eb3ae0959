//! [`Reference`]: the log-probabilities of the model before training.

use std::sync::Arc;

use internlm_model::decoder::Decoder;
use internlm_train::{Head, Row, outputs};

use super::rows::{PackedExamples, RowSums};

/// Where the log-probabilities of the model before training come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reference {
    /// The loss has no reference: all numbers are 0.
    Absent,
    /// A model reads the rows of each step.
    Model {
        /// The model before training, without autodiff.
        decoder: Box<Decoder>,
        /// Maximum number of tokens of one pass.
        pass_tokens: usize,
    },
    /// The numbers of every row, by its number.
    Stored(Arc<Vec<RowSums>>),
}

impl Reference {
    /// The model `decoder`, which has no adapters and no autodiff; it reads at most `pass_tokens` tokens at once.
    #[must_use]
    pub fn model(decoder: Decoder, pass_tokens: usize) -> Self {
        Self::Model { decoder: Box::new(decoder), pass_tokens }
    }

    /// The log-probabilities of the answers of some rows of `packed`.
    ///
    /// # Errors
    /// An id that the model has no embedding for.
    ///
    /// # Panics
    /// When numbers of these rows were not stored.
    pub fn of(&self, packed: &PackedExamples, numbers: &[usize]) -> internlm_train::Result<Vec<RowSums>> {
        match self {
            Self::Absent => {
                Ok(numbers.iter().map(|number| vec![[0.0; 2]; packed.examples_of(*number)]).collect())
            }
            Self::Model { decoder, pass_tokens } => row_sums(decoder, packed, numbers, *pass_tokens),
            Self::Stored(sums) => Ok(numbers.iter().map(|number| sums[*number].clone()).collect()),
        }
    }
}

/// The log-probabilities by `decoder` of the answers of some rows of `packed`.
pub(super) fn row_sums(
    decoder: &Decoder,
    packed: &PackedExamples,
    numbers: &[usize],
    pass_tokens: usize,
) -> internlm_train::Result<Vec<RowSums>> {
    let rows: Vec<Row> = numbers.iter().map(|number| packed.rows()[*number].clone()).collect();
    let outputs = outputs(decoder, &rows, Head::LogProbabilities, pass_tokens)?;
    Ok(numbers.iter().zip(&outputs).map(|(number, outputs)| packed.sums(*number, outputs)).collect())
}
