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
    /// What the request is for, where an item has requests of several kinds.
    pub part: AskPart,
    /// Text of the prompt, where the request has only its ids.
    pub prompt: Option<String>,
}

/// What one request of an item is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AskPart {
    /// The answer itself, or what is left of it after the common beginning.
    #[default]
    Own,
    /// The common beginning of the prompts of all labels.
    Prefix,
    /// The answer without its context, whose score is taken off.
    Baseline,
}

impl Ask {
    /// Creates a request to the model `profile`.
    pub(super) fn new(request: Request, profile: &Profile) -> Self {
        let key = request.key(&profile.identity);
        Self { key, request, label: None, bytes: 0, part: AskPart::Own, prompt: None }
    }

    /// Returns the prompt in the form of prediction files.
    #[must_use]
    pub fn shown(&self) -> Value {
        match &self.prompt {
            Some(prompt) => Value::from(prompt.as_str()),
            None => self.request.shown(),
        }
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
    /// Requests that follow when those of `asks` are answered, since they continue the same text.
    pub later: Vec<Ask>,
    /// `tot`: the question as text, from which later requests are made.
    pub input: Option<String>,
    /// The examples as text.
    pub shots: String,
    /// Number of examples left out because the prompt was too long.
    pub dropped_shots: usize,
    /// The expected answer; null if the set has none.
    pub gold: Value,
}

impl Item {
    /// Returns all requests that are known before anything is answered, in order.
    pub fn known_asks(&self) -> impl Iterator<Item = &Ask> {
        self.asks.iter().chain(&self.later)
    }
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
    /// Maximum number of tokens of an answer where the dataset file has none, at most half of the model's context.
    /// Default: the model's own limit.
    pub max_out_len: Option<u32>,
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
    /// `rolling`, `ppl_only`: information content of the text.
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
    /// Number of characters that the bits belong to.
    pub characters: usize,
    /// Number of words that the bits belong to, which white space separates.
    pub words: usize,
}

impl Measured {
    /// Returns the bits per byte; 0 without bytes.
    #[must_use]
    pub fn bits_per_byte(&self) -> f64 {
        if self.bytes == 0 { 0.0 } else { self.bits / self.bytes as f64 }
    }

    /// Returns the bits per character, upstream's BPC; 0 without characters.
    #[must_use]
    pub fn bits_per_character(&self) -> f64 {
        if self.characters == 0 { 0.0 } else { self.bits / self.characters as f64 }
    }

    /// Returns the perplexity per word or per byte: 2 to the power of the bits of one unit; 1 without `units`.
    #[must_use]
    pub fn perplexity_per(&self, units: usize) -> f64 {
        if units == 0 { 1.0 } else { (self.bits / units as f64).exp2() }
    }

    /// Adds the information content of another text.
    pub fn add(&mut self, other: &Self) {
        self.bits += other.bits;
        self.bytes += other.bytes;
        self.tokens += other.tokens;
        self.characters += other.characters;
        self.words += other.words;
    }
}
