//! Models: what they can do, what they are asked, what they answer.
//!
//! A [`Model`] answers one [`Request`] at a time; the runner decides how many are under way. What planning
//! needs to know of a model is its [`Profile`], plain data, so that plans are pure.

mod api;
mod config;
#[cfg(feature = "local")]
mod local;
mod mock;
mod request;
mod weights;
mod wire;

use std::future::Future;
use std::pin::Pin;

use internlm_model::tokenizer::Tokenizer;

use crate::Result;
use crate::prompt::MetaTemplate;

pub use api::ApiModel;
pub use config::{MockRule, ModelConfig, ModelKind, Protocol};
#[cfg(feature = "local")]
pub use local::LocalModel;
pub use mock::MockModel;
pub use request::{Answer, Call, Message, MessageRole, Request, Sampling, ScoredText};

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer>> + Send + 'a>>;

/// What a model is and can do.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Name in tables and folders.
    pub name: String,
    /// What makes answers change: weights, server, rule. Part of every item's key.
    pub identity: String,
    /// Longest prompt plus answer in tokens.
    pub max_seq_len: usize,
    /// How prompts to go on from are sent.
    pub protocol: Protocol,
    /// Whether the model gives log-probabilities of a prompt; the reason when it does not.
    pub log_probs: Result<(), String>,
    /// What the model wants around turns; none joins them with newlines, or sends messages.
    pub meta_template: Option<MetaTemplate>,
    /// The model's tokenizer, when its files are at hand: windows of text are then cut at tokens.
    pub tokenizer: Option<Tokenizer>,
}

/// Anything that answers requests.
pub trait Model: Send + Sync {
    /// What it is and can do.
    fn profile(&self) -> &Profile;

    /// Answers one request, retries included.
    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a>;
}

/// Makes the configured model ready.
///
/// # Errors
/// [`crate::Error::Unreachable`], [`crate::Error::Model`].
pub async fn connect(config: &ModelConfig, needs: Needs) -> Result<Box<dyn Model>> {
    Ok(match config.kind {
        ModelKind::Api => Box::new(ApiModel::connect(config, needs).await?),
        ModelKind::Mock => Box::new(MockModel::from_config(config)),
        #[cfg(feature = "local")]
        ModelKind::Local => Box::new(LocalModel::load(config)?),
        #[cfg(not(feature = "local"))]
        ModelKind::Local => {
            let message = "kind: found local, but this build lacks the feature `local`".to_owned();
            return Err(crate::Error::Model { model: config.name.clone(), message });
        }
    })
}

/// What a run will ask of a model; saves questions to the server that nothing needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Needs {
    /// Only answers.
    Answers,
    /// Log-probabilities of prompts too.
    LogProbs,
}
