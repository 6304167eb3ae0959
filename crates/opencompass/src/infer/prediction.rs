//! Items, predictions and what both are made of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Answer, FunctionCall, Profile, Request};

/// One request of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Key under which the answer is stored.
    pub key: String,
    /// What the model is asked.
    pub request: Request,
    /// `ppl`: the label that the prompt belongs to.
    pub label: Option<String>,
    /// `ppl`, `rolling`: UTF-8 bytes of the measured text without examples.
    pub bytes: usize,
}

impl Ask {
    /// Creates a request to the model `profile`.
    pub(super) fn new(request: Request, profile: &Profile) -> Self {
        Self { key: request.key(&profile.identity), request, label: None, bytes: 0 }
    }
}

/// One row of a dataset, ready to be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// Index of the row in the dataset.
    pub row: usize,
    /// Number of the answer among the `n` of the row, counted from 0.
    pub replica: usize,
    /// The requests that are known from the start, in order: one, or one per label or window. Some modes ask more
    /// when they have the answers.
    pub asks: Vec<Ask>,
    /// The examples as text.
    pub shots: String,
    /// Number of examples left out because the prompt was too long.
    pub dropped_shots: usize,
    /// The expected answer; null if the set has none.
    pub gold: Value,
}

/// The denominator of the perplexity. Published tables differ because of it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum PplDenominator {
    /// The number of all tokens, including the first: OpenCompass' own models.
    #[default]
    #[serde(rename = "n")]
    Tokens,
    /// The number of tokens that have a loss: some of OpenCompass' back-ends.
    #[serde(rename = "n-1")]
    Scored,
}

/// Settings of the run that inferencers use.
#[derive(Clone, Copy, Debug, Default)]
pub struct InferContext {
    /// Seed of the run; part of every request for generation.
    pub seed: u64,
    /// Denominator of the perplexity.
    pub denominator: PplDenominator,
}

/// The outcome of one item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Index of the row in the dataset.
    pub row: usize,
    /// Number of the answer among the `n` of the row, counted from 0.
    pub replica: usize,
    /// The expected answer; null if the set has none.
    pub gold: Value,
    /// Text of the answer, or the winning label.
    pub text: Option<String>,
    /// The answer where it is not text, such as the probabilities of choices. It goes to the evaluator as it is.
    pub value: Option<Value>,
    /// `ppl`: whether the scores do not tell the labels apart, so that order or length chose the label.
    pub tied: bool,
    /// Whether the maximum number of tokens ended the answer, so that what the score looks for may be missing.
    pub cut: bool,
    /// Tool calls of the answer.
    pub calls: Vec<FunctionCall>,
    /// `rolling`: information content of the text.
    pub measured: Option<Measured>,
    /// The reason if there is no answer.
    pub error: Option<String>,
    /// The item as prediction files write it.
    pub record: Value,
}

/// An answer, or the error message of its request.
pub type Outcome = Result<Answer, String>;

/// Returns the first failure among the outcomes.
pub(super) fn first_error(outcomes: &[Outcome]) -> Option<String> {
    outcomes.iter().find_map(|outcome| outcome.as_ref().err().cloned())
}

/// The information content of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Measured {
    /// Number of bits, summed over all tokens.
    pub bits: f64,
    /// Number of UTF-8 bytes that the bits belong to.
    pub bytes: usize,
    /// Number of tokens that the bits belong to.
    pub tokens: usize,
}

impl Measured {
    /// Returns the bits per byte; 0 without bytes.
    #[must_use]
    pub fn bits_per_byte(&self) -> f64 {
        if self.bytes == 0 { 0.0 } else { self.bits / self.bytes as f64 }
    }

    /// Adds the information content of another text.
    pub fn add(&mut self, other: &Self) {
        self.bits += other.bits;
        self.bytes += other.bytes;
        self.tokens += other.tokens;
    }
}
