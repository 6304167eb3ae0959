//! Behavior of lagent: goldens of lagent 0.2.4, properties of the state machine, tools, transcripts, whole runs
//! against lmdeploy's server and a scripted one, recipes, and bad input.
#![allow(clippy::print_stdout)]

mod bad_input;
mod batch;
mod drivers;
mod exit_codes;
mod golden;
mod properties;
mod python;
mod react;
mod real_server;
mod recipes;
mod sandbox;
mod server;
mod steps;
mod terminal;
