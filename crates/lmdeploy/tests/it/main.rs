//! Behavior tests of the engine, the server, the client and the binary; most on a mock instead of a model.

mod abuse;
mod bad_requests;
#[cfg(feature = "cli")]
mod binary;
#[cfg(all(feature = "burn", feature = "turbomind"))]
mod bits;
#[cfg(feature = "burn")]
mod burn_executor;
mod chaos;
mod chat_templates;
#[cfg(feature = "cli")]
mod chat_verb;
mod choices;
mod client;
mod client_routes;
mod configured;
mod continued_answers;
mod cross_origin;
#[cfg(all(feature = "vulkan", feature = "turbomind"))]
mod device_keys;
mod embeddings;
mod engine;
mod exit_codes;
mod faults;
mod fields;
mod fixture;
mod guided;
mod keys;
mod message_ids;
mod messages;
mod metrics;
mod mock_server;
mod model_folder;
mod names;
mod numbered_events;
mod openapi;
mod other_paths;
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
mod sessions;
mod sleep;
mod snapshots;
mod streams;
mod thinking_budget;
mod tls;
mod token_fields;
#[cfg(all(feature = "burn", feature = "turbomind"))]
mod turbomind_executor;
