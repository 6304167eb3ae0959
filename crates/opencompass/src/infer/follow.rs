//! Follows an item from its first requests to its prediction, as far as the answers reach.

use super::inferencer::{conclude, next};
use super::{Ask, InferContext, Item, Outcome, Prediction};
use crate::dataset::Dataset;
use crate::model::Profile;

/// How far an item has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// These requests have to be answered first.
    Waits(Vec<Ask>),
    /// The item is done.
    Done(Box<Prediction>),
}

/// Follows `item` as far as `lookup` has outcomes. Each inferencer decides from the outcomes alone what it asks next, so
/// that a run that was killed takes the same way again.
#[must_use]
pub fn follow(
    dataset: &Dataset,
    item: &Item,
    profile: &Profile,
    context: InferContext,
    lookup: &dyn Fn(&Ask) -> Option<Outcome>,
) -> Progress {
    let mut item = item.clone();
    let mut outcomes: Vec<Outcome> = Vec::new();
    loop {
        let found: Vec<Option<Outcome>> = item.asks[outcomes.len()..].iter().map(lookup).collect();
        if found.iter().any(Option::is_none) {
            let asks = item.asks[outcomes.len()..].iter().zip(&found);
            let missing = asks.filter(|(_, outcome)| outcome.is_none()).map(|(ask, _)| ask.clone());
            return Progress::Waits(missing.collect());
        }
        outcomes.extend(found.into_iter().flatten());
        match next(dataset, &item, &outcomes, profile, context) {
            Ok(more) if more.is_empty() => {
                return Progress::Done(Box::new(conclude(dataset, &item, &outcomes, context)));
            }
            Ok(more) => item.asks.extend(more),
            Err(message) => {
                let prediction = conclude(dataset, &item, &outcomes, context);
                return Progress::Done(Box::new(Prediction { error: Some(message), ..prediction }));
            }
        }
    }
}
