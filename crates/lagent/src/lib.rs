//! Agents that answer questions by calling tools, for programs that must be able to test, resume and replay
//! what an agent did.
//!
//! The crate re-implements Lagent. Its core, [`AgentRun`], is a state machine without I/O: it takes events and
//! returns commands. Drivers carry the commands out, so the same agent runs against a server, a script or a
//! recording. Code written by a model runs in the sandbox of `internlm-kit` and nowhere else.
//!
//! | module | takes -> gives |
//! |---|---|
//! | [`run`] | events -> commands; the state of a conversation can be saved between any two events |
//! | [`team`] | several agents -> one: in a row, in a graph, with handoffs, as tools of each other |
//! | [`protocol`] | tool definitions -> prompts; the text of a reply -> tool calls (InternLM2's markup, ReAct, ReWOO, AutoGPT) |
//! | [`templates`] | a name -> a prompt text |
//! | [`message`], [`memory`] | the messages of a conversation -> stores per agent and session |
//! | [`parse`], [`aggregate`] | replies -> values; memories -> prompts |
//! | [`hook`] | questions, calls and their ends -> what becomes of them |
//! | [`action`] | the arguments of a call -> the tool's result |
//! | [`llm`] | a prompt -> a reply, from an OpenAI-compatible server or a script |
//! | [`driver`] | a question -> an answer, by carrying out every command |
//! | [`transcript`] | a run -> JSON lines; JSON lines -> a replay that compares every byte |
//! | [`serve`], [`client`] | agents -> an HTTP service; its clients |
//! | [`batch`] | a file of questions -> judged answers and a summary; resumes after a kill |
//! | [`config`] | a TOML file -> an agent |
//! | [`mcp`] | MCP servers -> tools; a toolbox -> an MCP server |
//! | [`openapi`] | the description of a service -> its operations as tools |
//!
//! ```
//! use std::sync::Arc;
//! use lagent::action::Calculator;
//! use lagent::driver::{Silent, drive_blocking};
//! use lagent::llm::Scripted;
//! use lagent::{AgentRun, AgentSpec, Message, Toolbox};
//!
//! let mut tools = Toolbox::default();
//! tools.add(Arc::new(Calculator));
//! let model = Scripted::new([
//!     "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>",
//!     "12 times 34 is 408.",
//! ]);
//! let mut run = AgentRun::new(AgentSpec::internlm2(tools.specs()));
//! let question = vec![Message::user("What is 12 x 34?")];
//! let ending = drive_blocking(&mut run, question, |asked| model.next(asked), &tools, &mut Silent)?;
//! assert_eq!(ending.answer(), Some("12 times 34 is 408."));
//! assert_eq!(run.used().tool_calls, 1);
//! # Ok::<(), lagent::Error>(())
//! ```

pub mod action;
pub mod aggregate;
pub mod batch;
mod blocking;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod client;
pub mod config;
pub mod driver;
mod error;
pub mod hook;
mod http_client;
mod literal;
pub mod llm;
#[doc(hidden)]
pub mod macros;
pub mod mcp;
pub mod memory;
pub mod message;
pub mod openapi;
pub mod parse;
pub mod protocol;
mod public_address;
mod python_text;
pub mod run;
pub mod serve;
pub mod team;
pub mod templates;
pub mod transcript;

pub use action::Toolbox;
pub use error::{Error, Result};
/// Rust functions as tools.
///
/// ```
/// use lagent::action::Action;
///
/// /// Adds two numbers.
/// #[lagent::tool]
/// fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
/// assert_eq!(Add.call(&serde_json::json!({"a": 1, "b": 2})).for_model(), "3");
/// ```
pub use lagent_derive::{tool, toolkit};
pub use run::{AgentRun, AgentSpec};

/// Messages and their parts are those of the model's chat format, re-exported so that a program that only
/// talks to agents needs no further dependency.
pub use internlm_model::chat::{Channel, Message, Role};
