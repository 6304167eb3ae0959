//! [`App`]: the state that all handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, Semaphore};

use super::calls::Calls;
use super::counts::{HttpCounts, Place};
use super::keys::ApiKeys;
use crate::config::ServerConfig;
use crate::respond::{Responder, ResponseStore};

/// The state that all handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub(super) responder: Responder,
    /// Answers of the Responses API that clients may ask for again.
    pub(super) store: ResponseStore,
    pub(super) config: Arc<ServerConfig>,
    pub(super) keys: ApiKeys,
    pub(super) calls: Calls,
    pub(super) http: Arc<HttpCounts>,
    places: Option<Arc<Semaphore>>,
    draining: Arc<AtomicBool>,
    terminated: Arc<Notify>,
}

impl App {
    /// An app that answers with `responder`, with the default settings: no keys, all routes.
    #[must_use]
    pub fn new(responder: Responder) -> Self {
        Self {
            responder,
            store: ResponseStore::default(),
            config: Arc::default(),
            keys: ApiKeys::default(),
            calls: Calls::default(),
            http: Arc::default(),
            places: None,
            draining: Arc::default(),
            terminated: Arc::default(),
        }
    }

    /// Sets keys, timeouts, limits, and which routes there are.
    #[must_use]
    pub fn with_config(self, config: &ServerConfig) -> Self {
        let places = config.max_concurrent_requests.map(|places| places.min(Semaphore::MAX_PERMITS));
        Self {
            config: Arc::new(config.clone()),
            keys: ApiKeys::new(&config.api_keys),
            places: places.map(|places| Arc::new(Semaphore::new(places))),
            ..self
        }
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

    /// Stops the server as a signal would, for `GET /terminate`.
    pub(super) fn terminate(&self) {
        self.terminated.notify_one();
    }

    /// Waits until a client has stopped the server.
    pub(super) async fn terminated(&self) {
        self.terminated.notified().await;
    }

    /// Waits for a place among the requests that may be handled at the same time.
    pub(super) async fn place(&self) -> Place {
        let waiting = self.http.wait();
        let permit = match &self.places {
            // It is never closed.
            Some(places) => Arc::clone(places).acquire_owned().await.ok(),
            None => None,
        };
        drop(waiting);
        Place::new(Arc::clone(&self.http), permit)
    }
}
