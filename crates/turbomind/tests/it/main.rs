//! Behavior of the crate.

mod bad_input;
mod cli;
mod determinism;
mod engine;
mod exit_codes;
mod help;
mod int4_folder;
mod kernels;
mod made;
mod reference;
mod smollm2;
mod stored_head;
mod tiny;
mod variants;
