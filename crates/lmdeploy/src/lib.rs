//! A model folder -> tokens for many users: engine, OpenAI-compatible server and client.

#[cfg(feature = "client")]
pub mod client;
mod error;
pub mod protocol;

pub use error::{Error, Result};
