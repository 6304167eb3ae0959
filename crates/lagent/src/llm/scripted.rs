//! A model that replies from a script, for tests and examples.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::{LanguageModel, ModelRequest};
use crate::run::{FailureKind, Finish, ModelOutcome};

/// Returns its replies one after the other, whatever it is asked.
#[derive(Debug, Default)]
pub struct Scripted {
    replies: Mutex<VecDeque<String>>,
}

impl Scripted {
    /// Creates a script of replies. Call marks inside the texts are parsed by the agent, as with a server
    /// that leaves them unparsed.
    #[must_use]
    pub fn new<T: Into<String>>(replies: impl IntoIterator<Item = T>) -> Self {
        Self { replies: Mutex::new(replies.into_iter().map(Into::into).collect()) }
    }

    /// Returns the next reply. Every word counts as one token and no time passes. After the last reply every
    /// request fails.
    #[must_use]
    pub fn next(&self, request: ModelRequest<'_>) -> ModelOutcome {
        let words = |text: &str| text.split_whitespace().count() as u64;
        let reply = self.replies.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match reply {
            Some(content) => ModelOutcome::Reply {
                input_tokens: request.messages.iter().map(|message| words(message.text())).sum(),
                output_tokens: words(&content),
                content,
                calls: Vec::new(),
                finish: Finish::Stop,
                milliseconds: 0,
            },
            None => ModelOutcome::Failed {
                kind: FailureKind::Rejected,
                message: "the script has no more replies".to_owned(),
                milliseconds: 0,
            },
        }
    }
}

impl LanguageModel for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn chat(&self, request: ModelRequest<'_>) -> ModelOutcome {
        self.next(request)
    }
}
