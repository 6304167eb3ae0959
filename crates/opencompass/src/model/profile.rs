//! What planning has to know about a model.

use internlm_model::tokenizer::Tokenizer;

use super::Protocol;
use crate::prompt::MetaTemplate;

/// What a model is and can do, as plain data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Name in tables and folders.
    pub name: String,
    /// Everything that makes answers change: weights, server or rule. It is part of every item's key.
    pub identity: String,
    /// Maximum length of prompt plus answer in tokens.
    pub max_seq_len: usize,
    /// How prompts for generation are sent; mode `chat` always sends messages.
    pub protocol: Protocol,
    /// Whether the model returns log-probabilities of a prompt; otherwise the reason.
    pub log_probs: Result<(), String>,
    /// Whether the model returns the probabilities of choices as the next token; otherwise the reason.
    pub choices: Result<(), String>,
    /// Whether the model returns sentence vectors; otherwise the reason.
    pub embeddings: Result<(), String>,
    /// Whether the model is an agent that works with tools; otherwise the reason.
    pub agent: Result<(), String>,
    /// Text around turns. Without one, turns are joined with newlines or sent as messages.
    pub meta_template: Option<MetaTemplate>,
    /// Sampling temperature of sets that name none. Without one it is 0, greedy decoding.
    pub temperature: Option<f32>,
    /// The model's tokenizer, if its files are at hand. Long texts are then cut at tokens.
    pub tokenizer: Option<Tokenizer>,
}

impl Profile {
    /// Creates the profile of a model that can do everything, with the protocol `chat`, no meta template and
    /// no tokenizer.
    #[must_use]
    pub fn new(name: impl Into<String>, identity: impl Into<String>, max_seq_len: usize) -> Self {
        Self {
            name: name.into(),
            identity: identity.into(),
            max_seq_len,
            protocol: Protocol::Chat,
            log_probs: Ok(()),
            choices: Ok(()),
            embeddings: Ok(()),
            agent: Ok(()),
            meta_template: None,
            temperature: None,
            tokenizer: None,
        }
    }

    /// Leaves only the answers: the Perspective API gives nothing else.
    pub(crate) fn only_rates(&mut self) {
        let reason = || Err("the Perspective API only rates texts".to_owned());
        self.log_probs = reason();
        self.choices = reason();
        self.embeddings = reason();
        self.agent = reason();
    }
}

/// What a run will ask of a model. It saves a server the questions that nothing needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Needs {
    /// Only answers, no log-probabilities.
    Answers,
    /// Answers and log-probabilities of prompts.
    LogProbs,
}
