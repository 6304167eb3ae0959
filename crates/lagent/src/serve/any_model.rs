//! [`AnyModel`]: models of different types in one list of agents.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::llm::{Deltas, LanguageModel, ModelRequest};
use crate::run::ModelOutcome;

/// A model of any type. Clones share it.
#[derive(Clone)]
pub(super) struct AnyModel(Arc<dyn Boxed>);

/// [`LanguageModel`] in a form that can be behind a pointer.
trait Boxed: Send + Sync {
    fn name(&self) -> &str;
    fn chat<'a>(&'a self, request: ModelRequest<'a>) -> BoxFuture<'a, ModelOutcome>;
    fn stream<'a>(&'a self, request: ModelRequest<'a>, deltas: Deltas<'a>) -> BoxFuture<'a, ModelOutcome>;
}

impl<M: LanguageModel> Boxed for M {
    fn name(&self) -> &str {
        LanguageModel::name(self)
    }

    fn chat<'a>(&'a self, request: ModelRequest<'a>) -> BoxFuture<'a, ModelOutcome> {
        LanguageModel::chat(self, request).boxed()
    }

    fn stream<'a>(&'a self, request: ModelRequest<'a>, deltas: Deltas<'a>) -> BoxFuture<'a, ModelOutcome> {
        LanguageModel::stream(self, request, deltas).boxed()
    }
}

impl AnyModel {
    pub(super) fn new(model: impl LanguageModel + 'static) -> Self {
        Self(Arc::new(model))
    }

    /// The model's name, as its server lists it.
    pub(super) fn name(&self) -> &str {
        self.0.name()
    }

    /// Answers one request as a whole.
    pub(super) async fn chat(&self, request: ModelRequest<'_>) -> ModelOutcome {
        self.0.chat(request).await
    }

    /// Answers one request and passes on its text while it is generated.
    pub(super) async fn stream(&self, request: ModelRequest<'_>, deltas: Deltas<'_>) -> ModelOutcome {
        self.0.stream(request, deltas).await
    }
}

impl std::fmt::Debug for AnyModel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("AnyModel").field(&self.name()).finish()
    }
}
