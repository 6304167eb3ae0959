//! Judges: other models that say how good an answer is. The requests follow OpenCompass 0.5.4: `GenericLLMEvaluator`,
//! `CascadeEvaluator` and `LMEvaluator` with its post-processors.

mod align_bench;
mod battle;
mod cascade;
mod constraints;
mod creation;
mod generic;
mod length;
mod pairwise;
mod panel;
mod parse;
mod single;
mod table;
mod template;
mod toxicity;
mod turns;

pub use battle::{Battle, bradley_terry};
pub(super) use table::ENTRIES;
