//! A model folder -> tokens for many users: engine, OpenAI-compatible server and client.

#[cfg(feature = "engine")]
pub mod cache;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "engine")]
pub mod decode;
#[cfg(feature = "engine")]
pub mod engine;
mod error;
pub mod protocol;

pub use error::{Error, Result};
