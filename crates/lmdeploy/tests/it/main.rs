//! Behavior tests of the engine, the server, the client and the binary; most on a mock instead of a model.

mod bad_requests;
#[cfg(feature = "cli")]
mod binary;
#[cfg(feature = "burn")]
mod burn_executor;
#[cfg(feature = "cli")]
mod chat_verb;
mod client;
mod continued_answers;
mod cross_origin;
mod engine;
mod exit_codes;
mod fixture;
mod mock_server;
mod model_folder;
mod pipeline;
mod protocol;
mod raw_prompts;
mod recipes;
mod sampler;
mod scheduler;
mod server;
mod snapshots;
mod streams;
#[cfg(all(feature = "burn", feature = "turbomind"))]
mod turbomind_executor;
