//! HTTP client for this server and any other that speaks one of its APIs: a method for every operation, streams, retries.
//!
//! ```no_run
//! use futures_util::StreamExt;
//! use lmdeploy::Error;
//! use lmdeploy::client::{Client, ClientConfig};
//! use lmdeploy::protocol::{ChatMessage, ChatRequest};
//!
//! # async fn ask() -> lmdeploy::Result<()> {
//! let client = Client::new(ClientConfig::new("http://127.0.0.1:23333").with_retries(5))?;
//! let mut chunks = client.chat_stream(&ChatRequest::new([ChatMessage::user("2+2?")])).await?;
//! while let Some(chunk) = chunks.next().await {
//!     match chunk {
//!         Ok(chunk) => chunk.choices.iter().for_each(|choice| print!("{:?}", choice.delta.content)),
//!         Err(Error::Status { status, message, .. }) => eprintln!("failed with {status}: {message}"),
//!         Err(error) => return Err(error),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod chat_prompt;
mod config;
mod embeddings;
mod failure;
mod http;
mod load;
mod messages;
mod operator;
mod place;
mod response_event;
mod responses;
mod retry;
mod retry_after;
mod routes;
mod sse;
mod stream;
mod tokens;
mod transport;

pub use config::ClientConfig;
pub use http::{ChatStream, Client, CompletionStream};
pub use messages::MessageStream;
pub use place::segment;
pub use response_event::ResponseStreamEvent;
pub use responses::{InputItemsQuery, ResponseStream};
pub use routes::NumberedStream;
pub use stream::EventStream;
pub use tokens::GenerateStream;
