//! Watchers: they see every event and command of a driver, and decide about calls that need approval.

use serde_json::Value;

use crate::Result;
use crate::run::{Command, Event};

/// A decision about a call that needs approval.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// The call runs as requested.
    Approve,
    /// The call does not run; the model reads this reason.
    Deny(String),
}

/// Sees every event and command in order. An error stops the driver.
///
/// Every method has a default that does nothing, so an implementation overrides only what it needs.
pub trait Watcher: Send {
    /// Called with an event before the run takes it.
    ///
    /// # Errors
    /// Any failure of the watcher, such as a full disk while it writes a transcript.
    fn event(&mut self, event: &Event) -> Result<()> {
        let _ = event;
        Ok(())
    }

    /// Called with a command before it is carried out.
    ///
    /// # Errors
    /// The same as [`Watcher::event`].
    fn command(&mut self, command: &Command) -> Result<()> {
        let _ = command;
        Ok(())
    }

    /// Called with each piece of a reply while it is generated, if [`Watcher::wants_deltas`] returns true.
    fn delta(&mut self, text: &str) {
        let _ = text;
    }

    /// Says whether replies should be streamed to [`Watcher::delta`]. Default: false.
    fn wants_deltas(&self) -> bool {
        false
    }

    /// Decides about a call that needs approval. Default: deny, since there is nobody to ask.
    fn decide(&mut self, name: &str, args: &Value) -> Decision {
        let _ = (name, args);
        Decision::Deny("there is nobody to ask".to_owned())
    }
}

/// A watcher that ignores everything and denies every call that needs approval.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watcher for Silent {}
