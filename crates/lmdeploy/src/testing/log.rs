//! [`MockLog`]: the prompts that a mock has received.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use internlm_model::TokenId;

/// The prompts that a mock has received, in order of arrival. Clones share one log, so that a test can read it while
/// the engine thread owns the executor.
#[derive(Clone, Debug, Default)]
pub struct MockLog {
    prompts: Arc<Mutex<Vec<Vec<TokenId>>>>,
}

impl MockLog {
    /// The ids of every prompt so far. A prompt is here before the first token of its answer is sent.
    #[must_use]
    pub fn prompts(&self) -> Vec<Vec<TokenId>> {
        self.lock().clone()
    }

    /// Notes the prompt of request number `index`, or the longer prompt when more of it has been computed.
    pub(super) fn record(&self, index: usize, prompt: &[TokenId]) {
        let mut prompts = self.lock();
        let count = prompts.len().max(index + 1);
        prompts.resize(count, Vec::new());
        prompts[index] = prompt.to_vec();
    }

    /// A panic elsewhere leaves the list whole: every change is one assignment.
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<TokenId>>> {
        self.prompts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
