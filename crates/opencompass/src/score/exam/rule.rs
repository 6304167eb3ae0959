//! [`Rule`]: an evaluator that is a verdict on each item.

use crate::Result;
use crate::score::entry::Setup;
use crate::score::verdict::verdicts;
use crate::score::{Evaluate, Reading, ScoredItem, Scores};

/// Judges each answered item on its own.
struct Rule {
    metric: &'static str,
    right: fn(&ScoredItem<'_>) -> bool,
}

impl Evaluate for Rule {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        verdicts(self.metric, items, self.right)
    }
}

/// Creates an evaluator without arguments that judges each item.
pub(super) fn rule(
    setup: &Setup<'_>,
    metric: &'static str,
    right: fn(&ScoredItem<'_>) -> bool,
) -> Result<Box<dyn Evaluate>> {
    setup.named.no_arguments()?;
    Ok(Box::new(Rule { metric, right }))
}

/// Says whether an item is right.
type Verdict = fn(&ScoredItem<'_>) -> bool;

/// Creates an evaluator without arguments whose verdicts differ between the readings.
pub(super) fn readings(
    setup: &Setup<'_>,
    metric: &'static str,
    (compat, fixed): (Verdict, Verdict),
) -> Result<Box<dyn Evaluate>> {
    let right = match setup.reading {
        Reading::Compat => compat,
        Reading::Fixed => fixed,
    };
    rule(setup, metric, right)
}
