//! The OpenAI-compatible HTTP server (axum): routes, bodies, errors, event streams, keys, TLS, metrics, OpenAPI.
//!
//! Handlers only translate: requests are checked and answered in [`respond`](crate::respond), and computed on the engine
//! thread. A handler whose client goes away is dropped, and with it its generations, which cancels them.

mod abort;
mod admin;
mod app;
mod auth;
mod blocking;
mod body;
mod calls;
mod chat;
mod chat_prompt;
mod completions;
mod connection;
mod cors;
mod counts;
mod docs;
mod embeddings;
mod encode;
mod events;
mod extract;
mod failure;
mod forms;
mod generate;
mod header;
mod input_items;
mod keys;
mod messages;
mod metrics;
mod models;
mod named_events;
mod observe;
mod openapi;
mod other_paths;
mod query;
mod responses;
mod router;
mod routes;
mod server;
mod sleep;
mod tls;
mod unique;
mod unread;
mod weights;
mod wording;
mod write_limit;

pub use app::App;
pub use router::router;
pub use server::Server;
