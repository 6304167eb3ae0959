//! [`Measured`]: rewards, accuracy and margin over the examples of a step or of a validation.

use super::example::ExampleKind;
use super::loss::{Compared, Graded};

/// Sums over examples, and what they come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    loss: Mean,
    chosen: Mean,
    rejected: Mean,
    right: Mean,
    reference_point: Mean,
    not_finite: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Measured {
    /// Adds the examples of one row.
    pub(super) fn add(&mut self, compared: &[Compared], graded: &[Graded]) {
        for (compared, graded) in compared.iter().zip(graded) {
            self.loss.add(graded.loss);
            self.not_finite += usize::from(!graded.loss.is_finite());
            let ([first, second], point) = (graded.rewards, graded.reference_point);
            let right = match compared.kind {
                ExampleKind::Pair => {
                    self.chosen.add(first);
                    self.rejected.add(second);
                    first > second
                }
                ExampleKind::Desirable => {
                    self.chosen.add(first);
                    self.reference_point.add(point);
                    first > point
                }
                ExampleKind::Undesirable => {
                    self.rejected.add(first);
                    self.reference_point.add(point);
                    first < point
                }
            };
            self.right.add(f64::from(u8::from(right)));
        }
    }

    /// Mean loss of the examples; `None` without any.
    pub(super) fn loss(&self) -> Option<f64> {
        self.loss.value()
    }

    /// Names and values, in the order of the columns. What nothing was measured of is left out.
    ///
    /// The accuracy is the share of pairs whose chosen answer has the larger reward, or of single answers on the right
    /// side of the point of reference.
    pub(super) fn named(&self) -> Vec<(String, f64)> {
        let (chosen, rejected) = (self.chosen.value(), self.rejected.value());
        let margin = chosen.zip(rejected).map(|(chosen, rejected)| chosen - rejected);
        let not_finite = (self.not_finite > 0).then_some(self.not_finite as f64);
        let columns = [
            ("reward_chosen", chosen),
            ("reward_rejected", rejected),
            ("accuracy", self.right.value()),
            ("margin", margin),
            ("reference_point", self.reference_point.value()),
            ("not_finite", not_finite),
        ];
        columns.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}
