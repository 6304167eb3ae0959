//! [`HeldOut`]: examples that a model is measured on between steps.

use internlm_model::decoder::Decoder;

use super::config::PreferenceConfig;
use super::loss::grade;
use super::measured::Measured;
use super::reference::{Reference, row_sums};
use super::rows::{PackedExamples, RowSums};

/// Examples that are measured, and what the reference makes of them.
pub(super) struct HeldOut {
    /// Start of the names of what is measured: `valid` or `train`.
    pub(super) name: &'static str,
    /// The examples.
    pub(super) packed: PackedExamples,
    /// The reference's numbers; `None` until the first measurement asks for them.
    pub(super) references: Option<Vec<RowSums>>,
}

impl HeldOut {
    /// Loss, rewards, accuracy and margin of `decoder` on the examples.
    pub(super) fn measure(
        &mut self,
        config: &PreferenceConfig,
        reference: &Reference,
        (decoder, pass_tokens): (&Decoder, usize),
    ) -> internlm_train::Result<Vec<(String, f64)>> {
        let numbers: Vec<usize> = (0..self.packed.rows().len()).collect();
        if self.references.is_none() {
            self.references = Some(reference.of(&self.packed, &numbers)?);
        }
        let references = self.references.as_deref().unwrap_or_default();
        let sums = row_sums(decoder, &self.packed, &numbers, pass_tokens)?;
        let mut measured = Measured::default();
        for (number, (sums, reference)) in sums.iter().zip(references).enumerate() {
            let compared = self.packed.compared(number, sums, reference);
            measured.add(&compared, &grade(config, &compared));
        }
        let loss = measured.loss().map(|loss| ("loss".to_owned(), loss));
        let named = loss.into_iter().chain(measured.named());
        Ok(named.map(|(name, value)| (format!("{}_{name}", self.name), value)).collect())
    }
}
