//! Inferencers: from a row to the requests that answer it, and from the answers to a prediction.
//!
//! Both directions are pure. What happens between them, the asking, is not their business.

mod attack;
mod choice_probabilities;
mod consistency;
mod conversation;
mod dialogue;
mod follow;
mod game24;
mod generate;
mod inferencer;
mod labels;
mod likelihood;
mod perturb;
mod ppl;
mod ppl_only;
mod prediction;
mod record;
mod rolling;
mod shots;
mod sliding;
mod speaker;
mod thoughts;
mod windows;

pub(crate) use shots::{Asker, Separator};

pub use follow::{Progress, follow};
pub use inferencer::{conclude, item, next, replicas};
pub use prediction::{Ask, AskPart, InferContext, Item, Measured, Outcome, PplDenominator, Prediction};
