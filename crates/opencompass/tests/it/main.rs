//! Behavior of opencompass: goldens of upstream, killed runs, bad input, data files, groups and servers.

mod agent_sets;
mod bad_input;
mod circular;
mod code;
mod commands;
mod custom_sets;
mod data_files;
mod data_manifest;
#[cfg(feature = "local")]
mod engine;
mod evaluators;
mod exams;
mod exit_codes;
mod families;
mod faults;
mod further_sets;
mod graded;
mod groups;
mod help;
mod ifeval;
mod importer;
mod judged_sets;
mod judges;
mod killed;
mod lawbench;
mod letters;
#[cfg(feature = "local")]
mod local_engine;
mod long_context;
mod long_sets;
mod math;
mod modes;
mod needle;
mod participants;
mod partitions;
mod plans;
mod post;
#[cfg(feature = "local")]
mod prefix;
mod program_sets;
mod prompts;
mod published_sets;
mod real_server;
mod recipes;
mod report;
mod retrievers;
mod ruled_sets;
mod run_files;
mod runs;
#[cfg(feature = "sandbox")]
mod sandboxed;
mod server;
mod shared;
mod statistics;
mod store;
mod summaries;
mod text_metrics;
