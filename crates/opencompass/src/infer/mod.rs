//! Inferencers: from a row to the requests that answer it, and from the answers to a prediction.
//!
//! Both directions are pure. What happens between them, the asking, is not their business.

mod follow;
mod generate;
mod inferencer;
mod ppl;
mod prediction;
mod rolling;
mod shots;

pub use follow::{Progress, follow};
pub use inferencer::{conclude, item, next};
pub use prediction::{Ask, InferContext, Item, Measured, Outcome, PplDenominator, Prediction};
