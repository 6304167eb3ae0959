//! The trait of everything that answers requests.

use std::future::Future;
use std::pin::Pin;

use super::{Answer, Profile, Request};
use crate::Result;

/// The future of an answer.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer>> + Send + 'a>>;

/// Something that answers requests: a server, an engine in this process or a rule.
pub trait Model: Send + Sync {
    /// Returns what the model is and can do. It must not change during a run.
    fn profile(&self) -> &Profile;

    /// Answers one request. Retries are the model's own business; an error is final for this run.
    fn answer<'a>(&'a self, request: &'a Request) -> Answering<'a>;
}
