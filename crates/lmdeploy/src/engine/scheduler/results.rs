//! What came of a batch: computed blocks are shared, ids are appended, requests end.

use super::Scheduler;
use crate::engine::{End, EngineFault, Event, RequestId, SequencePart, StepResult, StopCause};

/// What becomes of the last block of a sequence, which is not full.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Leftover {
    /// Others may copy its tokens.
    Shared,
    /// Nobody may: a step that wrote to it has failed.
    Dropped,
}

impl Scheduler {
    /// Takes the result of one sequence's part.
    pub(super) fn settle(&mut self, step: &SequencePart, result: StepResult) {
        // Gone when it was cancelled while it waited for its next part.
        let Some(sequence) = self.sequences.get_mut(&step.id) else { return };
        let (id, cancelled) = (step.id, sequence.cancelled);
        let sampled = match result {
            StepResult::Failed(message) => {
                let failed = End::Error(EngineFault::Execution(message));
                return self.end(id, cancelled.map_or(failed, End::Abort), Leftover::Dropped);
            }
            StepResult::Computed => None,
            StepResult::Sampled(token) => Some((token, None)),
            StepResult::Stopped(token) => Some((token, Some(End::Stop(StopCause::Text)))),
        };
        sequence.advance(step, self.config.publish_limit);
        let prompt = sequence.request.prompt.len();
        let prompt_ends = step.position < prompt && sequence.computed >= prompt;
        self.publish(id);
        if prompt_ends {
            // Those who send the same prompt while this one is answered need not compute it.
            self.publish_tail(id);
        }
        match (cancelled, sampled) {
            (Some(cause), _) => self.end(id, End::Abort(cause), Leftover::Shared),
            (None, Some((token, stopped))) => self.append(id, token, stopped),
            (None, None) => self.computed(id),
        }
    }

    /// Ends a request and gives up its blocks.
    pub(super) fn end(&mut self, id: RequestId, end: End, leftover: Leftover) {
        if leftover == Leftover::Shared {
            self.publish_tail(id);
        }
        self.retract(id);
        let sequence = self.sequences.remove(&id).expect("a request ends once");
        for block in sequence.blocks.into_iter().rev() {
            self.cache.release(block);
        }
        self.events.push(Event::End { id, end });
    }

    /// Lets others use the blocks of a sequence that have become full.
    fn publish(&mut self, id: RequestId) {
        let block_tokens = self.config.block_tokens;
        let sequence = self.sequences.get_mut(&id).expect("the caller has just seen it");
        while sequence.published < sequence.computed / block_tokens {
            let Some(parent) = sequence.parent() else { break };
            let index = sequence.published;
            let tokens = sequence.block(index, block_tokens);
            // The same tokens may have been computed twice: then one block serves both.
            sequence.blocks[index] = self.cache.publish(sequence.blocks[index], parent, tokens);
            sequence.published += 1;
        }
        self.announce(id);
    }

    /// Lets others copy the computed tokens of a sequence's last block, when it is not full.
    pub(super) fn publish_tail(&mut self, id: RequestId) {
        let block_tokens = self.config.block_tokens;
        let sequence = &self.sequences[&id];
        let filled = sequence.computed % block_tokens;
        if filled == 0 || sequence.published != sequence.computed / block_tokens {
            return;
        }
        if let Some(parent) = sequence.parent() {
            let tokens = &sequence.block(sequence.published, block_tokens)[..filled];
            self.cache.publish_tail(sequence.blocks[sequence.published], parent, tokens);
        }
    }

    /// A part that gave no id: more of the prompt follows, or the prompt was only to be scored or embedded.
    fn computed(&mut self, id: RequestId) {
        let sequence = &self.sequences[&id];
        if sequence.missing() == 0 {
            assert_eq!(sequence.request.max_new, 0, "a computed sequence gets its next id");
            self.end(id, End::Length, Leftover::Shared);
        }
    }

    fn append(&mut self, id: RequestId, token: internlm_model::TokenId, stopped: Option<End>) {
        let max_length = self.config.max_length;
        let sequence = self.sequence_mut(id);
        assert_eq!(sequence.missing(), 0, "an id is sampled after the last known one");
        let end = sequence.append(token, max_length);
        self.events.push(Event::Token { id, token });
        // A stop id wins over a stop string, which wins over a limit.
        let end = match (end, stopped) {
            (Some(End::Length) | None, Some(stopped)) => Some(stopped),
            (end, _) => end,
        };
        if let Some(end) = end {
            self.end(id, end, Leftover::Shared);
        }
    }
}
