//! [`Answer`]: the numbers of an answer that losses read, and the score that each loss makes of them.

use super::super::config::PreferenceLoss;
use super::super::example::ExampleKind;

/// Log-probabilities of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Answer {
    /// Sum of the log-probabilities of its tokens, natural logarithm.
    pub log_prob: f64,
    /// The same sum of the reference; 0 without one.
    pub reference: f64,
    /// Number of its tokens.
    pub tokens: usize,
}

/// The answers of one example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// What the answers are.
    pub kind: ExampleKind,
    /// Both answers in the order that `kind` says.
    pub answers: [Answer; 2],
}

/// How the numbers of an answer become its score.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Score {
    /// `lp - ref`.
    Ratio,
    /// `(lp - ref) / n`.
    MeanRatio,
    /// `lp / n`.
    Mean,
}

impl Score {
    /// The score that `loss` is a function of.
    pub(super) fn of(loss: PreferenceLoss) -> Self {
        match loss {
            PreferenceLoss::Ipo => Self::MeanRatio,
            PreferenceLoss::Orpo | PreferenceLoss::Simpo => Self::Mean,
            _ => Self::Ratio,
        }
    }

    /// The score of an answer.
    pub(super) fn value(self, answer: &Answer) -> f64 {
        let ratio = answer.log_prob - answer.reference;
        match self {
            Self::Ratio => ratio,
            Self::MeanRatio => ratio / tokens(answer),
            Self::Mean => answer.log_prob / tokens(answer),
        }
    }

    /// Derivative of the score by [`Answer::log_prob`].
    pub(super) fn slope(self, answer: &Answer) -> f64 {
        match self {
            Self::Ratio => 1.0,
            Self::MeanRatio | Self::Mean => 1.0 / tokens(answer),
        }
    }
}

fn tokens(answer: &Answer) -> f64 {
    answer.tokens.max(1) as f64
}
