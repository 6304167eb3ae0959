//! Behavior tests of the engine, the server, the client and the binary; most on a mock instead of a model.

mod bad_requests;
#[cfg(feature = "cli")]
mod binary;
#[cfg(feature = "burn")]
mod burn_executor;
#[cfg(feature = "cli")]
mod chat_verb;
mod choices;
mod client;
mod configured;
mod continued_answers;
mod cross_origin;
mod engine;
mod exit_codes;
mod fields;
mod fixture;
mod guided;
mod keys;
mod messages;
mod metrics;
mod mock_server;
mod model_folder;
mod openapi;
mod parsed_answers;
mod parsers;
mod pipeline;
mod prefix;
mod protocol;
mod raw_prompts;
mod recipes;
mod responses;
mod routes;
mod rules;
mod sampler;
mod scheduler;
mod scheduler_model;
mod server;
mod snapshots;
mod streams;
mod tls;
#[cfg(all(feature = "burn", feature = "turbomind"))]
mod turbomind_executor;
