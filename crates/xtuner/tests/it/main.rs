//! Behavior of the `xtuner` crate: data, adapters, runs, and what the binary says about bad input.

mod bad_input;
mod checkpointing;
mod exit_codes;
mod finished;
mod fixture;
mod generator;
mod help;
mod lora;
mod mixing;
mod parity;
mod properties;
mod recipe;
mod verbs;
