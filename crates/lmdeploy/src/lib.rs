//! A model folder -> tokens for many users: engine, OpenAI-compatible server and client.
//!
//! | module | takes -> gives | feature |
//! |---|---|---|
//! | [`protocol`] | the OpenAI-shaped bodies, plain serde types | always |
//! | [`client`] | requests -> answers of any OpenAI-compatible server | `client` |
//! | [`cache`] | blocks of keys and values: who holds which, how many fit | `engine` |
//! | [`engine`] | requests -> batches -> logits -> ids: [`engine::Scheduler`], [`engine::Executor`], the engine thread | `engine` |
//! | [`decode`], [`parse`] | logits and ids -> log-probabilities, stops, text, tool calls | `engine` |
//! | [`respond`] | protocol requests -> engine requests; outputs -> protocol answers | `engine` |
//! | [`Pipeline`] | all of it in this process, without a server | `engine` |
//! | [`serve`] | all of it over HTTP | `server` |
//! | [`testing`] | scripted replies -> the real server without weights, for tests | `testing` |
//!
//! Mirrors InternLM's LMDeploy (`lmdeploy/pytorch/engine`, `lmdeploy/serve/openai`). Invariants: the scheduler is
//! pure; every accepted request gets exactly one end; free and active blocks are all blocks; no text of a stop
//! string or of a tool call leaks into content; a client that goes away frees its blocks.
//!
//! ```no_run
//! use lmdeploy::{Pipeline, config::DeployConfig};
//! use lmdeploy::protocol::{ChatMessage, ChatRequest};
//!
//! # #[cfg(any(feature = "burn", feature = "turbomind"))]
//! # fn run() -> lmdeploy::Result<()> {
//! let pipeline = Pipeline::load(&DeployConfig::new("runs/tiny/finetune/hf"))?;
//! let messages = vec![ChatMessage::user("What is 12*34?")];
//! let answer = pipeline.chat(&ChatRequest { messages, ..ChatRequest::default() })?;
//! println!("{}", answer.choices[0].message.text());
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "cli")]
pub mod bench;
#[cfg(feature = "engine")]
pub mod cache;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "engine")]
pub mod config;
#[cfg(feature = "engine")]
pub mod decode;
#[cfg(feature = "engine")]
pub mod engine;
mod error;
#[cfg(feature = "burn")]
mod kernels;
#[cfg(feature = "engine")]
pub mod parse;
#[cfg(feature = "engine")]
mod pipeline;
pub mod protocol;
#[cfg(feature = "engine")]
pub mod respond;
#[cfg(feature = "server")]
pub mod serve;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{Error, Result};
#[cfg(feature = "engine")]
pub use pipeline::{ChatChunks, Pipeline};
