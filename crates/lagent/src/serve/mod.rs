//! `lagent serve`: agents behind HTTP, for clients of lagent, of OpenAI, and for programs that watch and steer runs.
//!
//! | route | for |
//! |---|---|
//! | `POST /chat_completion`, `GET /memory/{session_id}`, `GET /health_check` | lagent 0.5's `HTTPAgentClient` |
//! | `POST /v1/chat/completions`, `GET /v1/models` | every OpenAI client: an agent is a model |
//! | `GET /v1/agents`, `GET` and `DELETE /v1/agents/{agent}/memory/{session_id}` | agents, tools, conversations |
//! | `POST` and `GET /v1/runs`, `GET /v1/runs/{id}`, `/events` | questions in the background, and what happens in them |
//! | `POST /v1/runs/{id}/approve`, `/deny`, `/cancel` | decisions about calls, an early end |
//! | `GET /metrics` | Prometheus |
//!
//! Every question is a run, whichever route it comes by. A client that waits for an answer and goes away ends its run.
//! Callers with different keys see neither each other's sessions nor runs. One session answers one question at a time.
//!
//! [`client`](crate::client) has the types of all bodies and a client for them.

mod agents;
mod any_model;
mod app;
mod archive;
mod caller;
mod chat_request;
mod completions;
mod config;
mod connection;
mod counts;
mod drive;
mod event_stream;
mod failure;
mod fields;
mod live_text;
mod metrics;
mod models;
mod narrator;
mod observe;
mod outcome;
mod parked;
mod question;
mod router;
mod run;
mod run_log;
mod run_routes;
mod runs;
mod server;
mod sessions;
mod sessions_routes;
mod tenants;
mod turn;
mod waiting;

pub use agents::{Agents, ServedAgent};
pub use app::App;
pub use config::{ServeConfig, ToolsMode};
pub use router::router;
pub use server::Server;
