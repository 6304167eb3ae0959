//! Models: what they can do, what they are asked and what they answer.
//!
//! A [`Model`] answers one [`Request`] at a time; the caller decides how many are open at once. Everything that
//! planning needs to know about a model is its [`Profile`], which is plain data, so that plans are pure.

mod answering;
mod api;
mod config;
mod connect;
#[cfg(feature = "local")]
mod local;
mod mock;
mod perspective;
mod profile;
mod rate;
mod request;
mod weights;
mod wire;

pub use answering::{Answering, Model};
pub use api::ApiModel;
pub use config::{EvaluatedModelConfig, MockRule, ModelKind, Protocol};
pub use connect::connect;
#[cfg(feature = "local")]
pub use local::LocalModel;
pub use mock::MockModel;
pub use perspective::PerspectiveModel;
pub use profile::{Needs, Profile};
pub use request::{Answer, Ending, Program, Request, Sampling, ScoredText};

/// Messages and calls are those of OpenAI's chat format, re-exported so that a model of your own needs no further
/// dependency.
pub use internlm_model::chat::openai::{ChatMessage, FunctionCall, MessageRole};
