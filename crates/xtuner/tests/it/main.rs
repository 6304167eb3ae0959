//! Behavior of the `xtuner` crate: data, adapters, runs, and what the binary says about bad input.

mod bad_input;
mod checkpointing;
mod fixture;
mod generator;
mod lora;
mod parity;
mod recipe;
