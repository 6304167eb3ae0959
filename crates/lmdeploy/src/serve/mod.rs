//! The OpenAI-compatible HTTP server (axum): routes, bodies, errors, event streams, metrics.
//!
//! Handlers only translate: requests are checked and answered in [`respond`](crate::respond), and computed on the engine
//! thread. A handler whose client goes away is dropped, and with it its generations, which cancels them.

mod app;
mod chat;
mod completions;
mod cors;
mod events;
mod extract;
mod failure;
mod metrics;
mod models;
mod router;
mod server;
mod wording;

pub use app::App;
pub use router::router;
pub use server::Server;
