//! [`Pass`]: one forward pass as every member of the pool runs it: embedding, layers, head, hidden states.

use std::sync::atomic::{AtomicU64, Ordering};

use super::buffers::PassBuffers;
use super::step::{LogitEntries, NonFinite};
use crate::Result;
use crate::kernels::attention::{AttentionCall, AttentionScratch, AttentionStep, attention};
use crate::kernels::{
    HeadOutput, Normalization, Products, Reordering, Rotation, TopEntries, embed, hidden_states,
};
use crate::kv::KvPool;
use crate::model::{Model, Weights};
use crate::pool::Member;
use crate::simd::Isa;

/// What every member needs to know.
pub(super) struct Pass<'a> {
    pub(super) model: &'a Model,
    pub(super) isa: Isa,
    pub(super) kv: &'a KvPool,
    pub(super) buffers: &'a PassBuffers,
    pub(super) steps: &'a [AttentionStep<'a>],
    pub(super) attention: &'a AttentionScratch,
    pub(super) faults: &'a Faults,
    pub(super) entries: LogitEntries,
}

impl Pass<'_> {
    /// One member's part of the pass. All members call it, and all run through the same phases.
    pub(super) fn run(&self, member: &Member<'_>) -> Result<()> {
        embed(member, &self.model.embedding, &self.buffers.tokens, &self.buffers.x)?;
        for layer in 0..self.model.layers.len() {
            self.layer(member, layer)?;
        }
        self.head(member)?;
        self.hidden(member)
    }

    /// One block of the model: attention and feed-forward, each added to the residual stream.
    fn layer(&self, member: &Member<'_>, index: usize) -> Result<()> {
        let (buffers, layer) = (self.buffers, &self.model.layers[index]);
        let products = self.products(member);
        let report = |row: usize| self.faults.note(buffers.sequences[row], index);

        // q, k and v read the same input; loading has checked that they order its columns alike.
        let norm = self.norm(&layer.attention_norm, &layer.qkv[0], &report);
        let input = buffers.normed.prepare_normalized(member, &norm, &buffers.x)?;
        let rotation = Rotation {
            cos: &buffers.rotations.cos,
            sin: &buffers.rotations.sin,
            places: &buffers.places,
            pool: self.kv,
            layer: index,
        };
        products.attention_input(layer, input, &rotation, &buffers.q)?;
        let call = AttentionCall {
            isa: self.isa,
            pool: self.kv,
            layer: index,
            window: self.model.config.window(index),
            steps: self.steps,
            q: &buffers.q,
            out: &buffers.attended,
            scratch: self.attention,
        };
        attention(member, &call)?;
        let input = buffers.mixed.prepare(member, self.reordering(&layer.wo), &buffers.attended)?;
        products.residual(&layer.wo, input, &buffers.x)?;

        // w1 and w3 likewise; their product is written straight into the input of w2.
        let norm = self.norm(&layer.ffn_norm, &layer.w1, &report);
        let input = buffers.normed.prepare_normalized(member, &norm, &buffers.x)?;
        products.gate_up(layer, input, buffers.gated.together())?;
        products.residual(&layer.w2, buffers.gated.together(), &buffers.x)
    }

    /// The final norm and the output matrix, for the tokens that want logits.
    fn head(&self, member: &Member<'_>) -> Result<()> {
        let buffers = self.buffers;
        // All members agree on this, so none of them waits in a phase that the others skip.
        if buffers.wanted.is_empty() {
            return Ok(());
        }
        let report = |row: usize| self.note_after_layers(row);
        let norm = self.final_norm(&buffers.wanted, &report);
        let input = buffers.last.prepare_normalized(member, &norm, &buffers.x)?;
        let output = match self.entries {
            LogitEntries::All => HeadOutput::Logits(&buffers.logits),
            LogitEntries::Top(top) => HeadOutput::Top(TopEntries { buffer: &buffers.best, top }),
        };
        self.products(member).head(&self.model.output, input, &output)
    }

    /// The final norm alone, for the tokens that want their hidden states.
    fn hidden(&self, member: &Member<'_>) -> Result<()> {
        let buffers = self.buffers;
        if buffers.wanted_hidden.is_empty() {
            return Ok(());
        }
        let report = |row: usize| self.note_after_layers(row);
        let norm = self.final_norm(&buffers.wanted_hidden, &report);
        hidden_states(member, &norm, &buffers.x, &buffers.hidden)
    }

    fn note_after_layers(&self, row: usize) {
        self.faults.note(self.buffers.sequences[row], self.model.layers.len());
    }

    /// The norm between the last layer and the output matrix, of some rows of the pass.
    fn final_norm<'a>(&'a self, rows: &'a [usize], report: &'a dyn Fn(usize)) -> Normalization<'a> {
        Normalization { rows: Some(rows), ..self.norm(&self.model.norm, &self.model.output, report) }
    }

    fn products<'a>(&'a self, member: &'a Member<'a>) -> Products<'a> {
        Products { member, isa: self.isa, sums: self.buffers.sums() }
    }

    /// How rows enter the input of a matrix.
    fn reordering<'a>(&'a self, weights: &'a Weights) -> Reordering<'a> {
        let (buffer, each) = (&self.buffers.row, self.buffers.row_each);
        Reordering { isa: self.isa, buffer, each, columns: weights.columns.as_deref() }
    }

    /// The norm of all rows of the pass as the input of `consumer`.
    fn norm<'a>(
        &'a self,
        weight: &'a [f32],
        consumer: &'a Weights,
        report: &'a dyn Fn(usize),
    ) -> Normalization<'a> {
        let eps = self.model.config.eps as f32;
        Normalization { weight, eps, order: self.reordering(consumer), rows: None, report }
    }
}

/// For each step the first layer whose input is not finite.
pub(super) struct Faults(Vec<AtomicU64>);

impl Faults {
    /// Marks a step that no layer found faulty.
    const NONE: u64 = u64::MAX;

    pub(super) fn new(steps: usize) -> Self {
        Self((0..steps).map(|_| AtomicU64::new(Self::NONE)).collect())
    }

    /// Notes that the numbers of a step left the range of floats. Members note in any order; the first layer counts.
    fn note(&self, step: usize, layer: usize) {
        self.0[step].fetch_min(layer as u64, Ordering::Relaxed);
    }

    /// The steps with a fault, in order.
    pub(super) fn into_list(self) -> Vec<NonFinite> {
        let layers = self.0.into_iter().map(AtomicU64::into_inner).enumerate();
        let noted = layers.filter(|(_, layer)| *layer != Self::NONE);
        noted.map(|(sequence, layer)| NonFinite { sequence, layer: layer as usize }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_faulty_layer_of_each_step_is_kept() {
        let faults = Faults::new(3);
        for (step, layer) in [(2, 5), (0, 7), (2, 3), (2, 9)] {
            faults.note(step, layer);
        }
        let expected = [NonFinite { sequence: 0, layer: 7 }, NonFinite { sequence: 2, layer: 3 }];
        assert_eq!(faults.into_list(), expected);
    }
}
