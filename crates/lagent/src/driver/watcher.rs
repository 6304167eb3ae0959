//! Who sees what a driver does, and who decides about calls.

use serde_json::Value;

use crate::Result;
use crate::run::{Command, Event};

/// A person's decision about a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// It may run.
    Approve,
    /// It may not: why, for the model.
    Deny(String),
}

/// Sees every event and command in order; an error stops the driver.
pub trait Watcher: Send {
    /// An event, before the run takes it.
    ///
    /// # Errors
    /// Whatever the watcher cannot do, such as writing a transcript.
    fn event(&mut self, event: &Event) -> Result<()> {
        let _ = event;
        Ok(())
    }

    /// A command, before it is carried out.
    ///
    /// # Errors
    /// Like [`Watcher::event`].
    fn command(&mut self, command: &Command) -> Result<()> {
        let _ = command;
        Ok(())
    }

    /// A piece of a reply that is still coming; asked for by [`Watcher::wants_deltas`].
    fn delta(&mut self, text: &str) {
        let _ = text;
    }

    /// Whether replies are streamed to [`Watcher::delta`].
    fn wants_deltas(&self) -> bool {
        false
    }

    /// Decides about a call; without a person the answer is no.
    fn decide(&mut self, name: &str, args: &Value) -> Decision {
        let _ = (name, args);
        Decision::Deny("there is nobody to ask".to_owned())
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watcher for Silent {}
