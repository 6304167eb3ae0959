//! Behaviour of opencompass: goldens of upstream, runs that are killed, bad input, a server of our own.

mod bad_input;
mod evaluators;
mod fake_server;
mod post;
mod prompts;
mod published_sets;
mod recipes;
mod runs;
mod server;
mod shared;
mod summaries;
