//! Behavior tests of the engine, the server, the client and the binary; most on a mock instead of a model.

mod bad_requests;
#[cfg(feature = "cli")]
mod binary;
#[cfg(feature = "burn")]
mod burn_executor;
mod engine;
mod fixture;
mod mock_server;
mod recipes;
mod scheduler;
mod server;
mod streams;
#[cfg(all(feature = "burn", feature = "turbomind"))]
mod turbomind_executor;
