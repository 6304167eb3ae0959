//! [`MockReply`]: what a mock answers to which request.

use std::fmt;
use std::sync::Arc;

use internlm_model::TokenId;

/// A request as a mock sees it.
#[derive(Clone, Copy, Debug)]
pub struct MockRequest<'a> {
    /// How many requests the mock had received before this one.
    pub index: usize,
    /// All ids of its prompt.
    pub prompt: &'a [TokenId],
}

/// What a mock answers: a function from requests to ids, to which the mock appends its end id.
///
/// ```
/// use internlm_model::TokenId;
/// use lmdeploy::testing::{MockReply, MockRequest};
/// let prompt = [TokenId(7), TokenId(8)];
/// let ids = |reply: &MockReply, index| reply.ids(MockRequest { index, prompt: &prompt });
/// assert_eq!(ids(&MockReply::echo(), 0), prompt);
/// let scripts = MockReply::scripts([vec![TokenId(1)], vec![TokenId(2)]]);
/// assert_eq!((ids(&scripts, 0), ids(&scripts, 9)), (vec![TokenId(1)], vec![TokenId(2)]));
/// ```
#[derive(Clone)]
pub struct MockReply {
    reply: Arc<dyn Fn(MockRequest<'_>) -> Vec<TokenId> + Send + Sync>,
}

impl MockReply {
    /// A reply that is computed from the request; it must be the same each time it is asked for.
    #[must_use]
    pub fn from_fn(reply: impl Fn(MockRequest<'_>) -> Vec<TokenId> + Send + Sync + 'static) -> Self {
        Self { reply: Arc::new(reply) }
    }

    /// The same ids to every request.
    #[must_use]
    pub fn script(ids: Vec<TokenId>) -> Self {
        Self::from_fn(move |_| ids.clone())
    }

    /// One script per request in order of arrival; the last one repeats, and without scripts every reply is empty.
    #[must_use]
    pub fn scripts(scripts: impl IntoIterator<Item = Vec<TokenId>>) -> Self {
        let scripts: Vec<Vec<TokenId>> = scripts.into_iter().collect();
        Self::from_fn(move |request| {
            scripts.get(request.index).or(scripts.last()).cloned().unwrap_or_default()
        })
    }

    /// The prompt of the request again.
    #[must_use]
    pub fn echo() -> Self {
        Self::from_fn(|request| request.prompt.to_vec())
    }

    /// The ids of the reply to `request`, the end id excluded.
    #[must_use]
    pub fn ids(&self, request: MockRequest<'_>) -> Vec<TokenId> {
        (self.reply)(request)
    }
}

impl fmt::Debug for MockReply {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MockReply").finish_non_exhaustive()
    }
}
