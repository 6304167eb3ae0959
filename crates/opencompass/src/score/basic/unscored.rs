//! `unscored`: answers that people read. Upstream has no evaluator of such sets either.

use crate::Result;
use crate::score::entry::Setup;
use crate::score::verdict::{answered, detail};
use crate::score::{Evaluate, Metrics, ScoredItem, Scores};

/// Keeps the answers, and reports the share of questions that were answered.
pub(super) struct Unscored;

impl Unscored {
    /// Creates the evaluator, which has no arguments.
    pub(super) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        setup.named.no_arguments()?;
        Ok(Box::new(Self))
    }
}

impl Evaluate for Unscored {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let answered = answered(items);
        let mut metrics = Metrics::new();
        if !items.is_empty() {
            metrics.insert("answered".to_owned(), 100.0 * answered as f64 / items.len() as f64);
        }
        Scores { metrics, details: items.iter().map(detail).collect(), answered, ..Scores::default() }
    }
}
