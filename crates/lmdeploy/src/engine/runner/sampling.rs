//! From the rows of logits of a batch to the next id of each of its sequences, and from hidden states to embeddings.

use std::panic::{AssertUnwindSafe, catch_unwind};

use internlm_model::TokenId;

use super::panic_message::panic_message;
use crate::engine::active::Active;
use crate::engine::{Row, SequencePart, StepResult};

/// Number of logits from which a thread pays: starting one takes as long as reading so many.
const LOGITS_PER_THREAD: usize = 1 << 17;

/// One sequence's part of a step, on its way from logits to the next id.
pub(super) struct Part<'a> {
    pub(super) step: &'a SequencePart,
    /// Its rows of logits.
    pub(super) rows: Vec<Row<'a>>,
    /// Its rows of hidden states.
    pub(super) hidden: Vec<&'a [f32]>,
    /// All known ids of the sequence.
    pub(super) history: &'a [TokenId],
    pub(super) active: &'a mut Active,
    /// What went wrong with it in the executor.
    pub(super) fault: Option<&'a str>,
}

impl Part<'_> {
    /// Number of logits to read; the largest entries cost nothing.
    fn logits(&self) -> usize {
        self.rows.iter().filter_map(|row| row.full()).map(<[f32]>::len).sum()
    }

    fn sample(&mut self) -> StepResult {
        if let Some(fault) = self.fault {
            tracing::error!(request = self.step.id.0, "a sequence failed: {fault}");
            return StepResult::Failed(fault.to_owned());
        }
        // A panic in the library of the grammars must not end the engine.
        let take = AssertUnwindSafe(|| match self.step.hidden_rows() {
            0 => self.active.take_rows(self.step, &self.rows, self.history),
            _ => self.active.take_hidden(self.step, &self.hidden),
        });
        catch_unwind(take).unwrap_or_else(|panic| StepResult::Failed(panic_message(panic.as_ref())))
    }
}

/// Samples every part, on several threads where rows are full; the result is the same on any number of them.
pub(super) fn sample_parts(mut parts: Vec<Part<'_>>) -> Vec<StepResult> {
    let logits: usize = parts.iter().map(Part::logits).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(logits / LOGITS_PER_THREAD).max(1);
    let each = parts.len().div_ceil(threads);
    let sample = |parts: &mut [Part<'_>]| parts.iter_mut().map(Part::sample).collect::<Vec<_>>();
    let (own, others) = parts.split_at_mut(each);
    std::thread::scope(|scope| {
        let others: Vec<_> =
            others.chunks_mut(each.max(1)).map(|part| scope.spawn(move || sample(part))).collect();
        let mut results = sample(own);
        for other in others {
            results.extend(other.join().expect("sampling catches panics"));
        }
        results
    })
}
