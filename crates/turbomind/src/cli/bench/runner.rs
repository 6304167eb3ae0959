//! [`Runner`]: the passes that are measured.

use std::ops::Range;

use crate::{Engine, Error, LogitEntries, LogitRows, Outputs, Result, SeqStep};

/// An engine with a batch of sequences.
pub(super) struct Runner {
    pub(super) engine: Engine,
    /// The blocks of each sequence.
    blocks: Vec<Vec<u32>>,
    outputs: Outputs,
}

/// Ids of one sequence in a pass.
struct Part {
    sequence: usize,
    position: usize,
    ids: Vec<u32>,
}

impl Part {
    /// Logits for the last id of a sequence that ends at `end`.
    fn rows(&self, end: usize) -> LogitRows {
        if self.position + self.ids.len() == end { LogitRows::Last } else { LogitRows::None }
    }
}

impl Runner {
    /// Divides the engine's blocks among `batch` sequences.
    pub(super) fn new(engine: Engine, batch: usize) -> Self {
        let all: Vec<u32> = (0..engine.kv_config().blocks as u32).collect();
        let blocks = all.chunks((all.len() / batch).max(1)).take(batch).map(<[u32]>::to_vec).collect();
        Self { engine, blocks, outputs: Outputs::default() }
    }

    /// Stores ids `from..to` of every sequence, one sequence after the other, in passes that are as full as possible; the
    /// last id of each gives logits.
    pub(super) fn fill(&mut self, from: usize, to: usize) -> Result<()> {
        if from >= to {
            return Ok(());
        }
        let (mut sequence, mut position) = (0, from);
        while sequence < self.blocks.len() {
            let mut parts = Vec::new();
            let mut free = self.engine.max_batched_tokens();
            while free > 0 && sequence < self.blocks.len() {
                let end = to.min(position + free);
                free -= end - position;
                parts.push(self.part(sequence, position..end));
                position = end;
                if end == to {
                    (sequence, position) = (sequence + 1, from);
                }
            }
            self.pass(&parts, to)?;
        }
        Ok(())
    }

    /// One decode step: the id at `position` of every sequence, logits for each.
    pub(super) fn step(&mut self, position: usize) -> Result<()> {
        let parts: Vec<Part> =
            (0..self.blocks.len()).map(|sequence| self.part(sequence, position..position + 1)).collect();
        self.pass(&parts, position + 1)
    }

    fn part(&self, sequence: usize, positions: Range<usize>) -> Part {
        let id = |i: usize| (100 + (7919 * i + 131 * sequence) % (self.engine.model().vocab - 200)) as u32;
        Part { sequence, position: positions.start, ids: positions.map(id).collect() }
    }

    /// Runs one pass; ids that end at `end` give logits.
    fn pass(&mut self, parts: &[Part], end: usize) -> Result<()> {
        let steps: Vec<SeqStep<'_>> = parts
            .iter()
            .map(|part| {
                let step = SeqStep::new(&part.ids, part.position, &self.blocks[part.sequence]);
                step.with_rope_len(end).with_logits(part.rows(end))
            })
            .collect();
        self.engine.forward(&steps, LogitEntries::Top(1), &mut self.outputs)?;
        match self.outputs.non_finite.first() {
            None => Ok(()),
            Some(fault) => {
                Err(Error::NonFinite { layer: fault.layer, sequence: parts[fault.sequence].sequence })
            }
        }
    }
}
