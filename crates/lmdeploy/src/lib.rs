//! Serve a language model to many users at once.
//!
//! This crate loads a model, batches the requests of many users continuously over a paged key-value cache, and speaks
//! the HTTP APIs of OpenAI and Anthropic. Use it to run a model inside a Rust program ([`Pipeline`]), to serve one
//! ([`serve`]), to talk to any OpenAI-compatible server ([`client`]), or to test a program that does (`testing`).
//!
//! ```
//! use lmdeploy::protocol::{ChatMessage, ChatRequest};
//! # use lmdeploy::testing::MockModel;
//!
//! // A real model: `Pipeline::load(&DeployConfig::new("path/to/model"))?`.
//! let pipeline = MockModel::from("12*34 is 408.").pipeline();
//! let request = ChatRequest::new([ChatMessage::user("What is 12*34?")]).with_temperature(0.0);
//! let answer = pipeline.chat(&request)?;
//! assert_eq!(answer.text(), "12*34 is 408.");
//! # Ok::<(), lmdeploy::Error>(())
//! ```
//!
//! | module | takes -> gives | feature |
//! |---|---|---|
//! | [`protocol`] | JSON of the APIs of OpenAI, Anthropic and LMDeploy <-> plain serde types | always |
//! | [`client`] | requests -> answers of any OpenAI-compatible server | `client` |
//! | [`config`] | TOML -> [`config::DeployConfig`] | `engine` |
//! | [`Pipeline`] | a model -> answers in this process | `engine` |
//! | [`engine`] | requests -> batches -> logits -> ids: scheduler, grammars, executors, the engine thread | `engine` |
//! | [`parse`] | text of a reply -> content, reasoning, tool calls, in every format that models use | `engine` |
//! | [`respond`] | requests of every API -> engine requests; engine outputs -> answers | `engine` |
//! | [`serve`] | a [`respond::Responder`] -> an HTTP server | `server` |
//! | `testing` | scripted replies -> the real server without weights | `testing` |
//!
//! The executors come with the features `turbomind` (CPU, quantized) and `burn` (any Burn device; `cuda`, `vulkan`).
//!
//! Mirrors InternLM's LMDeploy (`lmdeploy/pytorch/engine`, `lmdeploy/serve/openai`). Invariants: the scheduler is
//! pure; every accepted request gets exactly one end; every cache block is free, held, or kept for later prompts, and
//! one that several sequences hold is not written; no part of a stop string or of a tool call appears in the content; a
//! client that goes away frees its blocks.

#[cfg(feature = "cli")]
mod bench;
#[cfg(feature = "engine")]
mod cache;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "engine")]
pub mod config;
#[cfg(feature = "engine")]
mod decode;
#[cfg(feature = "engine")]
pub mod engine;
mod error;
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

pub use error::{Error, Result, StatusDetail};
#[cfg(feature = "engine")]
pub use pipeline::{ChatChunks, Pipeline};
