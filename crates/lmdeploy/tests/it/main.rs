//! Behavior tests of the engine, the server, the client and the binary, on a mock instead of a model.

mod engine;
mod scheduler;
