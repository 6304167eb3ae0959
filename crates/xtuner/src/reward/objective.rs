//! [`RewardObjective`]: the loss of a step for the trainer, as a function of the value at each reward token.

use internlm_train::{Error, Head, Objective, Pass, PassLoss, Result, Row};

use super::config::RewardConfig;
use super::loss::PairLoss;
use super::score_stats::ScoreStats;
use crate::preference::PreferenceRows;

/// The mean loss over the pairs of a step.
#[derive(Clone, Debug)]
pub struct RewardObjective {
    config: RewardConfig,
    rows: PreferenceRows,
    /// Numbers of the rows of the present step.
    numbers: Vec<usize>,
    /// Number of pairs of the present step.
    pairs: usize,
    measured: ScoreStats,
}

impl RewardObjective {
    /// The loss of `config` on the steps of `rows`, which must be the source that the trainer takes them from.
    #[must_use]
    pub fn new(config: RewardConfig, rows: PreferenceRows) -> Self {
        Self { config, rows, numbers: Vec::new(), pairs: 0, measured: ScoreStats::default() }
    }
}

impl Objective for RewardObjective {
    fn head(&self) -> Head {
        Head::Values
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
        self.pairs = self.numbers.iter().map(|number| packed.examples_of(*number)).sum();
        self.measured = ScoreStats::default();
        Ok(())
    }

    fn loss(&mut self, pass: &Pass<'_>, outputs: &[f32]) -> Result<PassLoss> {
        let mut found = PassLoss { loss: 0.0, gradient: vec![0.0; outputs.len()] };
        let pairs = self.pairs as f64;
        let mut start = 0;
        for index in pass.rows.clone() {
            let row = &self.rows.packed().rows()[self.numbers[index]];
            // Sample 2 i of a row is the chosen one of its pair i, the next one the other; the score is at their ends.
            for ends in row.cu_seqlens[1..].chunks_exact(2) {
                let places = [start + ends[0] - 1, start + ends[1] - 1];
                let scores = places.map(|place| f64::from(outputs[place]));
                let PairLoss { loss, derivatives } = PairLoss::of(&self.config, scores);
                found.loss += loss / pairs;
                for (place, derivative) in places.into_iter().zip(derivatives) {
                    found.gradient[place] = (derivative / pairs) as f32;
                }
                self.measured.add(scores);
            }
            start += row.tokens();
        }
        Ok(found)
    }

    fn measured(&mut self) -> Vec<(String, f64)> {
        self.measured.named()
    }
}
