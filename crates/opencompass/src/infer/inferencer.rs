//! Chooses the inferencer of a dataset.

use super::{InferContext, Item, Outcome, Prediction, generate, ppl, rolling};
use crate::dataset::{Dataset, Mode};
use crate::model::Profile;

/// Creates the requests of row `index`.
///
/// # Errors
/// A message, when the templates do not fit the row or the model.
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

/// Draws the prediction from the outcomes, one per request of the item in order.
#[must_use]
pub fn conclude(dataset: &Dataset, item: &Item, outcomes: &[Outcome], context: InferContext) -> Prediction {
    match dataset.config.infer.mode {
        Mode::Gen | Mode::Chat => generate::conclude(item, outcomes),
        Mode::Ppl => ppl::conclude(item, outcomes, context.denominator),
        Mode::Rolling => rolling::conclude(item, outcomes),
    }
}
