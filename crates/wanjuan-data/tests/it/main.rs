//! Behavior of the crate and its binary, on generated input.

mod bad_input;
mod binary;
mod dedup;
mod exit_codes;
mod extract;
mod extract_properties;
mod extraction_scores;
mod fasttext;
mod fidelity;
mod filter;
mod help;
mod language;
mod metadata;
mod mutations;
mod pipeline;
#[allow(unreachable_pub)]
mod readers;
mod recipes;
mod resume;
mod rule_properties;
mod seeds;
mod site;
mod split;
mod warc;
mod warc_sets;
mod warc_verbs;
mod web_sets;
