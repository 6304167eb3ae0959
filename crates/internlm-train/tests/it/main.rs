//! Behavior of the crate, through its public interface and its binary.

mod bad_input;
mod exit_codes;
mod finished;
mod fixture;
mod frozen;
mod golden;
mod guard;
mod help;
mod objectives;
mod packing;
mod properties;
mod ranks;
mod recipe;
mod recompute;
mod resume;
mod signals;
mod validation;
mod verbs;
