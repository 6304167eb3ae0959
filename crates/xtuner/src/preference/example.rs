//! [`Example`]: two encoded answers that are read together.

use crate::dataset::Sample;

/// What the two answers of an example are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExampleKind {
    /// The chosen answer, then the rejected one.
    Pair,
    /// An answer that is liked, then the answer to another prompt, which only estimates a divergence.
    Desirable,
    /// An answer that is not liked, then the answer to another prompt.
    Undesirable,
}

/// Two samples, each a prompt with an answer; the loss is on the answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Index of the comparison that it was made from.
    pub comparison: usize,
    /// What the samples are.
    pub kind: ExampleKind,
    /// Both samples in the order that `kind` says.
    pub samples: [Sample; 2],
}

impl Example {
    /// Number of ids of both samples.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.samples.iter().map(|sample| sample.ids.len()).sum()
    }
}
