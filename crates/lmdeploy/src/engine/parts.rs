//! The parts of a step after the executor: rows to next ids, on several threads where rows are whole.

use internlm_model::TokenId;

use super::output::Active;
use super::{Row, SeqStep, StepResult};

/// Logits that are worth a thread: starting one takes as long as looking at so many.
const WORTH_A_THREAD: usize = 1 << 17;

/// One sequence's part of a step.
pub(super) struct Part<'a> {
    pub(super) step: &'a SeqStep,
    /// Its rows of logits.
    pub(super) rows: Vec<Row<'a>>,
    /// All known ids of the sequence.
    pub(super) history: &'a [TokenId],
    pub(super) active: &'a mut Active,
    /// What went wrong with it in the executor.
    pub(super) fault: Option<&'a str>,
}

impl Part<'_> {
    /// Values of all its rows; best entries cost nothing.
    fn values(&self) -> usize {
        self.rows.iter().filter_map(|row| row.whole()).map(<[f32]>::len).sum()
    }

    fn take(&mut self) -> StepResult {
        if let Some(fault) = self.fault {
            tracing::error!(request = self.step.id.0, "a sequence failed: {fault}");
            return StepResult::Failed(fault.to_owned());
        }
        self.active.take_rows(self.step, &self.rows, self.history)
    }
}

/// What comes of each part, in order; the same on any number of threads.
pub(super) fn take_rows(mut parts: Vec<Part<'_>>) -> Vec<StepResult> {
    let values: usize = parts.iter().map(Part::values).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(values / WORTH_A_THREAD).max(1);
    let each = parts.len().div_ceil(threads);
    let take = |parts: &mut [Part<'_>]| parts.iter_mut().map(Part::take).collect::<Vec<_>>();
    let (own, others) = parts.split_at_mut(each);
    std::thread::scope(|scope| {
        let others: Vec<_> =
            others.chunks_mut(each.max(1)).map(|part| scope.spawn(move || take(part))).collect();
        let mut results = take(own);
        for other in others {
            results.extend(other.join().expect("sampling does not panic"));
        }
        results
    })
}
