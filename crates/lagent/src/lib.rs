//! Agents and tools: a pure agent state machine, the InternLM2 plugin protocol, actions in a sandbox.
//!
//! Re-implements Lagent. Three layers, each usable alone:
//!
//! - [`run`]: [`AgentRun`](run::AgentRun) takes events and gives commands. No I/O, no clock; the state can be
//!   saved between any two events. [`protocol`] says how a model asks for tools: InternLM2's markup or ReAct.
//! - [`action`], [`llm`], [`driver`]: tools, models, and the loops that carry commands out.
//! - [`transcript`], [`batch`]: recording, replay, and whole files of questions with scores.
//!
//! Code that a model wrote runs in the sandbox of `internlm-kit` and nowhere else.
//!
//! ```
//! use std::sync::Arc;
//! use internlm_model::chat::Message;
//! use lagent::action::{Calculator, Executor};
//! use lagent::driver::{Silent, drive_blocking};
//! use lagent::llm::Scripted;
//! use lagent::run::{AgentRun, AgentSpec};
//!
//! let mut tools = Executor::default();
//! tools.add(Arc::new(Calculator));
//! let model = Scripted::new([
//!     "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>",
//!     "12 times 34 is 408.",
//! ]);
//! let mut run = AgentRun::new(AgentSpec::internlm2(tools.specs()));
//! let question = vec![Message::user("What is 12 x 34?")];
//! let ending = drive_blocking(&mut run, question, |asked| model.next(asked), &tools, &mut Silent)?;
//! assert_eq!(ending.answer(), Some("12 times 34 is 408."));
//! # Ok::<(), lagent::Error>(())
//! ```

pub mod action;
pub mod batch;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod driver;
mod error;
pub mod llm;
pub mod protocol;
pub mod run;
pub mod transcript;

pub use error::{Error, Result};
