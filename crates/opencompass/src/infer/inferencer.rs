//! Chooses the inferencer of a dataset.

use super::speaker::Speaker;
use super::{
    Ask, AskPart, InferContext, Item, Outcome, Prediction, attack, choice_probabilities, consistency,
    dialogue, generate, likelihood, ppl, ppl_only, rolling, sliding, thoughts,
};
use crate::dataset::{Dataset, InferConfig, Mode};
use crate::model::Profile;

/// Returns the number of items of every row: its answers, or the forms of its prompt in mode `attack`.
#[must_use]
pub fn replicas(dataset: &Dataset) -> usize {
    match dataset.config.infer.mode {
        Mode::Attack => attack::forms(dataset),
        _ => dataset.config.infer.n,
    }
}

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
    let infer = &dataset.config.infer;
    let speaker = Speaker::new(dataset, profile, context);
    let item = match infer.mode {
        Mode::Chat | Mode::Agent if has_turns(infer) => {
            dialogue::item(dataset, (row, replica), profile, context)
        }
        Mode::Gen | Mode::Chat | Mode::Agent => {
            generate::item(dataset, (row, replica as u64), speaker, profile)
        }
        Mode::Ppl => ppl::item(dataset, row, profile),
        Mode::PplOnly => ppl_only::item(dataset, row, profile),
        Mode::Clp => choice_probabilities::item(dataset, row, profile),
        Mode::Loglikelihood => likelihood::item(dataset, row, profile),
        Mode::Rolling => match infer.window {
            Some(window) => sliding::item(dataset, row, window, profile),
            None => rolling::item(dataset, row, profile),
        },
        Mode::Sc => consistency::item(dataset, (row, replica), profile, context),
        Mode::Tot => thoughts::item(dataset, (row, replica), profile, context),
        Mode::Attack => attack::item(dataset, (row, replica), speaker, profile),
    };
    Ok(Item { row, replica, ..item? })
}

/// Says whether the turns of a conversation are asked. An agent always works in one.
fn has_turns(infer: &InferConfig) -> bool {
    infer.turns.is_some() || infer.mode == Mode::Agent
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
    let infer = &dataset.config.infer;
    match infer.mode {
        Mode::Chat | Mode::Agent if has_turns(infer) => {
            dialogue::next(dataset, item, outcomes, (profile, context))
        }
        Mode::Tot => thoughts::next(dataset, item, outcomes, (profile, context)),
        // What continues a common beginning is asked when the beginning is answered.
        _ if item.asks.iter().all(|ask| ask.part == AskPart::Prefix)
            && outcomes.iter().all(Result::is_ok) =>
        {
            Ok(following(item))
        }
        _ => Ok(Vec::new()),
    }
}

/// What follows when the beginnings so far are answered: the next beginning, else everything that is left.
fn following(item: &Item) -> Vec<Ask> {
    let known = item.later.iter().filter(|ask| item.asks.iter().any(|asked| asked.key == ask.key)).count();
    let rest = &item.later[known..];
    match rest.first() {
        Some(ask) if ask.part == AskPart::Prefix => vec![ask.clone()],
        _ => rest.to_vec(),
    }
}

/// Draws the prediction from the outcomes, one per request of the item in order.
#[must_use]
pub fn conclude(dataset: &Dataset, item: &Item, outcomes: &[Outcome], context: InferContext) -> Prediction {
    let infer = &dataset.config.infer;
    let prediction = match infer.mode {
        Mode::Chat | Mode::Agent if has_turns(infer) => dialogue::conclude(dataset, item, outcomes),
        Mode::Gen | Mode::Chat | Mode::Agent => generate::conclude(item, outcomes),
        Mode::Ppl => ppl::conclude(item, outcomes, context.denominator),
        Mode::PplOnly => ppl_only::conclude(dataset, item, outcomes, context),
        Mode::Clp => choice_probabilities::conclude(item, outcomes),
        Mode::Loglikelihood => likelihood::conclude(item, outcomes),
        Mode::Rolling => rolling::conclude(dataset, item, outcomes),
        Mode::Sc => consistency::conclude(item, outcomes),
        Mode::Tot => thoughts::conclude(dataset, item, outcomes, context),
        Mode::Attack => attack::conclude(dataset, item, outcomes),
    };
    Prediction { row: item.row, replica: item.replica, ..prediction }
}
