//! Chooses the inferencer of a dataset.

use super::{Ask, InferContext, Item, Outcome, Prediction, generate, ppl, rolling};
use crate::dataset::{Dataset, Mode};
use crate::model::Profile;

/// Creates the item of row `row` for its answer number `replica`, with the requests that are known from the start.
///
/// # Errors
/// A message, when the templates do not fit the row or the model.
pub fn item(
    dataset: &Dataset,
    (row, replica): (usize, usize),
    profile: &Profile,
    context: InferContext,
) -> Result<Item, String> {
    let item = match dataset.config.infer.mode {
        Mode::Gen | Mode::Chat => generate::item(dataset, (row, replica), profile, context),
        Mode::Ppl => ppl::item(dataset, row, profile),
        Mode::Rolling => rolling::item(dataset, row, profile),
        other => Err(format!("infer.mode: found {other:?}, which cannot be asked")),
    };
    Ok(Item { row, replica, ..item? })
}

/// Returns the requests that follow from the answers so far; none if the item is done. `item.asks` holds all requests
/// so far and `outcomes` their outcomes. The same outcomes always give the same requests.
///
/// # Errors
/// A message, when the answers cannot be used; the item then counts as failed.
pub fn next(
    dataset: &Dataset,
    item: &Item,
    outcomes: &[Outcome],
    profile: &Profile,
    context: InferContext,
) -> Result<Vec<Ask>, String> {
    let _ = (dataset, item, outcomes, profile, context);
    Ok(Vec::new())
}

/// Draws the prediction from the outcomes, one per request of the item in order.
#[must_use]
pub fn conclude(dataset: &Dataset, item: &Item, outcomes: &[Outcome], context: InferContext) -> Prediction {
    let prediction = match dataset.config.infer.mode {
        Mode::Ppl => ppl::conclude(item, outcomes, context.denominator),
        Mode::Rolling => rolling::conclude(item, outcomes),
        _ => generate::conclude(item, outcomes),
    };
    Prediction { row: item.row, replica: item.replica, ..prediction }
}
