//! Behavior of lagent: goldens of lagent 0.2.4, properties of the state machine, tools, transcripts, a whole
//! run against a small server, recipes, and bad input.
#![allow(clippy::print_stdout)]

mod bad_input;
mod batch;
mod golden;
mod properties;
mod python;
mod recipes;
mod server;
mod shared;
mod steps;
mod terminal;
