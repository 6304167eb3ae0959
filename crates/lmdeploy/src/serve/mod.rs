//! The OpenAI-compatible HTTP server (axum): routes, bodies, errors, event streams, keys, TLS, metrics, OpenAPI.
//!
//! Handlers only translate: requests are checked and answered in [`respond`](crate::respond), and computed on the engine
//! thread. A handler whose client goes away is dropped, and with it its generations, which cancels them.

mod admin;
mod app;
mod auth;
mod blocking;
mod calls;
mod chat;
mod completions;
mod cors;
mod counts;
mod docs;
mod encode;
mod events;
mod extract;
mod failure;
mod forms;
mod generate;
mod keys;
mod messages;
mod metrics;
mod models;
mod named_events;
mod observe;
mod openapi;
mod responses;
mod router;
mod routes;
mod server;
mod tls;
mod wording;

pub use app::App;
pub use router::router;
pub use server::Server;
