//! Behavior of the crate and its binary, on generated input.

mod bad_input;
mod binary;
mod dedup;
mod extract;
mod fasttext;
mod fidelity;
mod filter;
mod language;
mod metadata;
mod pipeline;
mod recipes;
mod resume;
mod site;
mod warc;
mod web_sets;
