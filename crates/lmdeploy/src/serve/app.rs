//! [`App`]: the state that all handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::respond::Responder;

/// The state that all handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub(super) responder: Responder,
    draining: Arc<AtomicBool>,
}

impl App {
    /// An app that answers with `responder`.
    #[must_use]
    pub fn new(responder: Responder) -> Self {
        Self { responder, draining: Arc::default() }
    }

    /// The model that is served, by the name that `/v1/models` lists.
    #[must_use]
    pub fn model_name(&self) -> &str {
        &self.responder.model().name
    }

    /// Answers new requests with 503 from now on; running ones continue.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether new requests are answered with 503.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
