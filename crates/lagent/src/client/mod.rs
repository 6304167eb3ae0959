//! Client of the agent server: questions, conversations, runs with their events, approvals.
//!
//! The types of this module are also those that the server writes. `POST /v1/chat/completions`, `GET /v1/models` and
//! `GET /metrics` are OpenAI's and Prometheus' forms, so [`AgentClient::openai`] gives the client for them.
//!
//! ```no_run
//! use futures_util::StreamExt;
//! use lagent::client::{AgentClient, AgentRequest, RunEvent};
//! use lmdeploy::client::ClientConfig;
//!
//! # async fn ask() -> lagent::Result<()> {
//! let client = AgentClient::new(ClientConfig::new("http://127.0.0.1:8090"))?;
//! let run = client.start(&AgentRequest::new(["What is 12 x 34?"]).with_session(7)).await?;
//! let mut events = client.events(&run.id, None).await?;
//! while let Some(event) = events.next().await {
//!     match event?.1 {
//!         RunEvent::End(run) => println!("{:?}", run.answer.map(|answer| answer.text())),
//!         other => println!("{other:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod agent_client;
mod agent_request;
mod listing;
mod run_info;
mod tuning;

pub use agent_client::{AgentClient, RunEvents};
pub use agent_request::AgentRequest;
pub use listing::{AgentInfo, AgentList, Forgotten, HealthCheck, RunList};
pub use run_info::{PendingApproval, RunEvent, RunFailure, RunInfo, RunStatus};
pub use tuning::Tuning;
