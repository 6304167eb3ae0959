//! The binary's verbs, one file each.

mod convert;
#[cfg(feature = "burn")]
mod generate;
#[cfg(feature = "burn")]
mod ids;
mod inspect;
mod json;
#[cfg(feature = "burn")]
mod logits;
mod model;
mod run;
mod template;
mod tokenize;

pub use run::{run, run_from};
