//! The watcher of one question of a batch.

use serde_json::Value;

use super::Consent;
use crate::driver::{Decision, Watcher};
use crate::run::{Command, Event, FailureKind, ModelOutcome};
use crate::transcript::Trail;
use crate::{Error, Result};

/// Writes the transcript, asks for consent, and ends the question when the model's server is gone.
pub(super) struct Asking<'a> {
    pub(super) id: &'a str,
    pub(super) trail: Trail<'a>,
    pub(super) consent: &'a dyn Consent,
}

impl Watcher for Asking<'_> {
    /// An outcome that says nothing about the answer is not written: the request is made again when the batch
    /// resumes, and what the question has done before it is kept.
    fn event(&mut self, event: &Event) -> Result<()> {
        if let Event::Model { outcome: ModelOutcome::Failed { kind, message, .. }, .. } = event
            && matches!(kind, FailureKind::Network | FailureKind::Auth | FailureKind::Quota)
        {
            return Err(Error::Interrupted { id: self.id.to_owned(), message: message.clone() });
        }
        self.trail.event(event)
    }

    fn command(&mut self, command: &Command) -> Result<()> {
        self.trail.command(command)
    }

    fn decide(&mut self, name: &str, args: &Value) -> Decision {
        self.consent.approve(name, args)
    }
}
