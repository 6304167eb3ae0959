//! `cargo xtask tidy`: the house rules that a machine can check. Also runs as a test.

mod arrows;
mod budgets;
mod check;
mod circles;
mod dependencies;
mod doc_paths;
mod doc_words;
mod exemptions;
mod facades;
mod finding;
mod help;
mod phrases;
mod placement;

pub(crate) use check::{TidyArguments, run};
