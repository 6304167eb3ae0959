//! Behavior of opencompass: goldens of upstream, killed runs, bad input, data files, groups and servers.

mod bad_input;
mod commands;
mod data_files;
mod evaluators;
mod exit_codes;
mod groups;
mod help;
mod plans;
mod post;
mod prompts;
mod published_sets;
mod real_server;
mod recipes;
mod runs;
mod server;
mod shared;
mod store;
mod summaries;
