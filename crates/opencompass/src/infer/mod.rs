//! Inferencers: from a row to the requests that answer it, and from the answers to a prediction.
//!
//! Both directions are pure; what happens between them is the runner's business.

mod generate;
mod ppl;
mod rolling;
mod shots;

use serde::Serialize;
use serde_json::Value;

use crate::dataset::{Dataset, Mode};
use crate::model::{Answer, Call, Profile, Request};

pub use rolling::Measured;

/// One request of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Under which the answer is stored.
    pub key: String,
    /// The request.
    pub request: Request,
    /// `ppl`: the label that the prompt is for.
    pub label: Option<String>,
    /// UTF-8 bytes of the text that is measured, shots left out.
    pub bytes: usize,
}

impl Ask {
    /// A request to the model `profile`.
    fn new(request: Request, profile: &Profile) -> Self {
        Self { key: request.key(&profile.identity), request, label: None, bytes: 0 }
    }
}

/// One row of a dataset, ready to be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The requests.
    pub asks: Vec<Ask>,
    /// The shots as text.
    pub shots: String,
    /// Shots left out because the prompt was too long.
    pub dropped_shots: usize,
    /// The expected answer.
    pub gold: Value,
}

/// How PPL divides the sum of losses.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, serde::Deserialize)]
pub enum PplDenominator {
    /// By all tokens, the first included: OpenCompass' own models.
    #[default]
    #[serde(rename = "n")]
    Tokens,
    /// By the tokens that have a loss: some back-ends.
    #[serde(rename = "n-1")]
    Scored,
}

/// What every inferencer needs to know of the run.
#[derive(Clone, Copy, Debug, Default)]
pub struct InferContext {
    /// Seed of the run.
    pub seed: u64,
    /// How PPL divides.
    pub denominator: PplDenominator,
}

/// What became of one item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// The expected answer.
    pub gold: Value,
    /// The answer's text, or the winning label.
    pub text: Option<String>,
    /// Calls of tools.
    pub calls: Vec<Call>,
    /// What was measured of a text.
    pub measured: Option<Measured>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// The item as prediction files have it.
    pub record: Value,
}

/// An answer, or why there is none.
pub type Outcome = Result<Answer, String>;

/// The requests of row `index`.
///
/// # Errors
/// A sentence, when the templates do not fit the row or the model.
pub fn item(
    dataset: &Dataset,
    index: usize,
    profile: &Profile,
    context: InferContext,
) -> Result<Item, String> {
    match dataset.config.infer.mode {
        Mode::Gen | Mode::Chat => generate::item(dataset, index, profile, context),
        Mode::Ppl => ppl::item(dataset, index, profile),
        Mode::Rolling => rolling::item(dataset, index, profile),
    }
}

/// The prediction that follows from the answers, one per request in order.
#[must_use]
pub fn conclude(dataset: &Dataset, item: &Item, outcomes: &[Outcome], context: InferContext) -> Prediction {
    match dataset.config.infer.mode {
        Mode::Gen | Mode::Chat => generate::conclude(item, outcomes),
        Mode::Ppl => ppl::conclude(item, outcomes, context.denominator),
        Mode::Rolling => rolling::conclude(item, outcomes),
    }
}

/// The first failure among the answers.
fn first_error(outcomes: &[Outcome]) -> Option<String> {
    outcomes.iter().find_map(|outcome| outcome.as_ref().err().cloned())
}
