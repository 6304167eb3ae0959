//! The OpenAI-compatible HTTP server (axum): routes, bodies, errors, event streams, metrics.
//!
//! Handlers only translate: checking and answering live in [`respond`](crate::respond), computing on the engine
//! thread. A handler that is dropped, because its client went away, drops its generations, which cancels them.

mod app;
mod chat;
mod completions;
mod events;
mod extract;
mod failure;
mod metrics;
mod models;
mod server;

pub use app::{App, router};
pub use server::{ServeConfig, Server};
