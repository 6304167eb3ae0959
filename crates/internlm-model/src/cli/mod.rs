//! The binary's verbs, one file each.

mod convert;
#[cfg(feature = "burn")]
mod generate;
mod inspect;
#[cfg(feature = "burn")]
mod json;
#[cfg(feature = "burn")]
mod logits;
mod run;
mod template;
mod tokenize;

pub use run::{is_bad_input, run, run_from};
