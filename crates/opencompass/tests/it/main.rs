//! Behavior of opencompass: goldens of upstream, killed runs, bad input, data files, groups and servers.

mod agent_sets;
mod bad_input;
mod code;
mod commands;
mod custom_sets;
mod data_files;
mod data_manifest;
mod evaluators;
mod exams;
mod exit_codes;
mod families;
mod graded;
mod groups;
mod help;
mod long_context;
mod math;
mod modes;
mod needle;
mod partitions;
mod plans;
mod post;
mod prompts;
mod published_sets;
mod real_server;
mod recipes;
mod report;
mod retrievers;
mod runs;
#[cfg(feature = "sandbox")]
mod sandboxed;
mod server;
mod shared;
mod statistics;
mod store;
mod summaries;
mod text_metrics;
