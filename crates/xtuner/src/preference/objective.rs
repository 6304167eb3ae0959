//! [`PreferenceObjective`]: the loss of a step for the trainer, as a function of log-probabilities.

use internlm_train::{Error, Head, Objective, Pass, PassLoss, Result, Row};

use super::config::PreferenceConfig;
use super::loss::{Compared, Graded, grade};
use super::measured::Measured;
use super::reference::Reference;
use super::rows::{PreferenceRows, RowSums};

/// The mean loss over the examples of a step. Losses that depend on a group of examples take those of one row, so that
/// the result does not depend on how rows are joined or shared among ranks.
#[derive(Clone, Debug)]
pub struct PreferenceObjective {
    config: PreferenceConfig,
    rows: PreferenceRows,
    reference: Reference,
    /// Numbers of the rows of the present step.
    numbers: Vec<usize>,
    /// The reference's log-probabilities of these rows.
    references: Vec<RowSums>,
    /// Number of examples of the present step.
    examples: usize,
    measured: Measured,
}

impl PreferenceObjective {
    /// The loss of `config` on the steps of `rows`, which must be the source that the trainer takes them from.
    #[must_use]
    pub fn new(config: PreferenceConfig, rows: PreferenceRows, reference: Reference) -> Self {
        Self {
            config,
            rows,
            reference,
            numbers: Vec::new(),
            references: Vec::new(),
            examples: 0,
            measured: Measured::default(),
        }
    }

    /// Where the numbers of the model before training come from.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Adds the derivatives by the log-probability of each token of row `number` to `gradient`.
    fn spread(&self, number: usize, graded: &[Graded], gradient: &mut Vec<f32>) {
        let row = &self.rows.packed().rows()[number];
        let derivatives = graded.iter().flat_map(|graded| graded.derivatives);
        for (border, derivative) in row.cu_seqlens.windows(2).zip(derivatives) {
            let each = (derivative / self.examples as f64) as f32;
            let labels = &row.labels[border[0]..border[1]];
            gradient.extend(labels.iter().map(|label| if label.is_some() { each } else { 0.0 }));
        }
    }
}

impl Objective for PreferenceObjective {
    fn head(&self) -> Head {
        Head::LogProbabilities
    }

    fn prepare(&mut self, step: u64, rows: &[Row]) -> Result<()> {
        self.numbers = self.rows.numbers(step);
        let packed = self.rows.packed();
        let same = |(row, number): (&Row, &usize)| row.cu_seqlens == packed.rows()[*number].cu_seqlens;
        if rows.len() != self.numbers.len() || !rows.iter().zip(&self.numbers).all(same) {
            let place = format!("batch of step {}", step + 1);
            let found = format!("{} rows of another source", rows.len());
            let expected = format!("the {} rows that the objective was made with", self.numbers.len());
            return Err(Error::mismatch(place, found, expected));
        }
        self.references = self.reference.of(packed, &self.numbers)?;
        self.examples = self.numbers.iter().map(|number| packed.examples_of(*number)).sum();
        self.measured = Measured::default();
        Ok(())
    }

    fn loss(&mut self, pass: &Pass<'_>, outputs: &[f32]) -> Result<PassLoss> {
        let mut found = PassLoss { loss: 0.0, gradient: Vec::with_capacity(outputs.len()) };
        let mut rest = outputs;
        for index in pass.rows.clone() {
            let number = self.numbers[index];
            let packed = self.rows.packed();
            let (own, next) = rest.split_at(packed.rows()[number].tokens());
            rest = next;
            let sums = packed.sums(number, own);
            let compared: Vec<Compared> = packed.compared(number, &sums, &self.references[index]);
            let graded = grade(&self.config, &compared);
            let loss: f64 = graded.iter().map(|graded| graded.loss).sum();
            if !loss.is_finite() {
                let scores: Vec<[f64; 2]> = graded.iter().map(|graded| graded.rewards).collect();
                let step = pass.step + 1;
                tracing::warn!("step {step}: the loss of row {number} is {loss} (rewards {scores:?})");
            }
            found.loss += loss / self.examples as f64;
            self.measured.add(&compared, &graded);
            self.spread(number, &graded, &mut found.gradient);
        }
        Ok(found)
    }

    fn measured(&mut self) -> Vec<(String, f64)> {
        self.measured.named()
    }
}
