//! `cargo xtask tidy`: the house rules that a machine can check. Also runs as a test.

mod arrows;
mod budgets;
mod exemptions;
mod files;
mod placement;

pub(crate) use files::run;
