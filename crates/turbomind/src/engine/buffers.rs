//! [`PassBuffers`]: the numbers of one pass; allocated for the largest pass and used by every one.

use std::ops::Range;

use internlm_model::rope::Rope;

use super::step::{LogitEntries, Outputs, SeqStep};
use crate::kernels::{Inputs, Needs, SumsBuffer, TopEntries, insert};
use crate::model::{Layer, Model};
use crate::pool::Shared;

/// Maximum number of positions whose rotation is kept from pass to pass.
const KEPT_ANGLES: usize = 65_536;

/// Buffers for a pass of at most `max_batched_tokens` tokens.
#[derive(Debug, Default)]
pub(super) struct PassBuffers {
    /// Residual stream, `[tokens, hidden]`.
    pub(super) x: Shared<f32>,
    /// Queries, `[tokens, heads * head_dim]`.
    pub(super) q: Shared<f32>,
    /// Outputs of the attention, `[tokens, heads * head_dim]`.
    pub(super) attended: Shared<f32>,
    /// Input of q, k, v and of w1, w3.
    pub(super) normed: Inputs,
    /// Input of wo: the outputs of the attention.
    pub(super) mixed: Inputs,
    /// Input of w2: silu(w1 x) times (w3 x).
    pub(super) gated: Inputs,
    /// Input of the output matrix.
    pub(super) last: Inputs,
    /// Sums of matrix products, `[threads][sums_each]`.
    sums: Shared<f32>,
    sums_each: usize,
    /// Two rows of each member, `[threads][2][row_each]`.
    pub(super) row: Shared<f32>,
    pub(super) row_each: usize,
    /// Logits, `[rows, vocab]`.
    pub(super) logits: Shared<f32>,
    /// Hidden states after the final norm, `[hidden rows, hidden]`.
    pub(super) hidden: Shared<f32>,
    /// Best entries, `[threads][rows][top]`.
    pub(super) best: Shared<(f32, u32)>,
    /// All tokens of the pass.
    pub(super) tokens: Vec<u32>,
    /// The step of each token.
    pub(super) sequences: Vec<usize>,
    /// The tokens that get a row of logits.
    pub(super) wanted: Vec<usize>,
    /// The tokens that get a row of hidden states.
    pub(super) wanted_hidden: Vec<usize>,
    /// (block, slot) of each token.
    pub(super) places: Vec<(u32, usize)>,
    /// Rotation of each token.
    pub(super) rotations: Angles,
    /// Rotation of positions `0..` with the frequencies of short sequences.
    kept: Angles,
}

/// Cosines and sines, `[positions, head_dim / 2]` each.
#[derive(Debug, Default)]
pub(super) struct Angles {
    pub(super) cos: Vec<f32>,
    pub(super) sin: Vec<f32>,
}

impl PassBuffers {
    /// Changes the shape to that of a pass of `tokens` tokens; allocates only when it is larger than all before it.
    pub(super) fn reshape(&mut self, model: &Model, threads: usize, tokens: usize) {
        let config = &model.config;
        let q_width = config.heads * config.head_dim;
        self.x.reserve(tokens * config.hidden);
        self.q.reserve(tokens * q_width);
        self.attended.reserve(tokens * q_width);
        self.row_each = config.hidden.max(q_width);
        self.row.reserve(2 * threads * self.row_each);
        self.sums_each = SumsBuffer::needed(tokens, config.head_dim);
        self.sums.reserve(threads * self.sums_each);
        let all = |pick: fn(&Layer) -> Vec<Needs>| {
            model.layers.iter().flat_map(pick).fold(Needs::default(), Needs::or)
        };
        let normed = all(|layer| layer.qkv.iter().chain([&layer.w1, &layer.w3]).map(|w| w.needs()).collect());
        self.normed.reshape(threads, tokens, config.hidden, normed);
        self.mixed.reshape(threads, tokens, q_width, all(|layer| vec![layer.wo.needs()]));
        self.gated.reshape(threads, tokens, config.inter, all(|layer| vec![layer.w2.needs()]));
    }

    /// Changes the shape to that of what a pass gives: logits and hidden states.
    pub(super) fn reshape_head(&mut self, model: &Model, threads: usize, entries: LogitEntries) {
        let rows = self.wanted.len();
        self.last.reshape(threads, rows, model.config.hidden, model.output.needs());
        self.hidden.reserve(self.wanted_hidden.len() * model.config.hidden);
        match entries {
            LogitEntries::All => self.logits.reserve(rows * model.config.vocab),
            LogitEntries::Top(top) => self.best.reserve(threads * rows * top),
        }
    }

    /// Lists the tokens of a pass and where each is stored.
    pub(super) fn begin(&mut self, steps: &[SeqStep<'_>], rope: &Rope, block_tokens: usize) {
        for list in [&mut self.sequences, &mut self.wanted, &mut self.wanted_hidden] {
            list.clear();
        }
        self.tokens.clear();
        self.places.clear();
        self.rotations.cos.clear();
        self.rotations.sin.clear();
        for (index, step) in steps.iter().enumerate() {
            let first = self.tokens.len();
            self.wanted.extend(step.rows().map(|row| first + row));
            self.wanted_hidden.extend(step.hidden_rows().map(|row| first + row));
            self.tokens.extend_from_slice(step.tokens);
            self.sequences.extend(step.tokens.iter().map(|_| index));
            let positions = step.position..step.position + step.tokens.len();
            let place = |position: usize| (step.blocks[position / block_tokens], position % block_tokens);
            self.places.extend(positions.clone().map(place));
            self.rotate(rope, positions, step.rope_len);
        }
    }

    /// Adds the rotation of some positions of a sequence of `length` tokens.
    fn rotate(&mut self, rope: &Rope, positions: Range<usize>, length: usize) {
        if !rope.shares_frequencies(length, 0) || positions.end > KEPT_ANGLES {
            let (cos, sin) = rope.angles(length, positions);
            self.rotations.cos.extend(cos);
            self.rotations.sin.extend(sin);
            return;
        }
        let half = rope.angles(0, 0..1).0.len();
        let known = self.kept.cos.len() / half;
        if positions.end > known {
            let (cos, sin) = rope.angles(0, known..positions.end.next_multiple_of(256));
            self.kept.cos.extend(cos);
            self.kept.sin.extend(sin);
        }
        let range = positions.start * half..positions.end * half;
        self.rotations.cos.extend_from_slice(&self.kept.cos[range.clone()]);
        self.rotations.sin.extend_from_slice(&self.kept.sin[range]);
    }

    /// The buffer of the sums of matrix products.
    pub(super) fn sums(&self) -> SumsBuffer<'_> {
        SumsBuffer { buffer: &self.sums, each: self.sums_each }
    }

    /// Copies the hidden states of a model that has `width` of them per token into the outputs.
    pub(super) fn collect_hidden(&mut self, width: usize, out: &mut Outputs) {
        out.hidden.clear();
        out.hidden.extend_from_slice(&self.hidden.get_mut()[..self.wanted_hidden.len() * width]);
    }

    /// Copies what the head has written into the outputs.
    pub(super) fn collect(&mut self, threads: usize, vocab: usize, entries: LogitEntries, out: &mut Outputs) {
        let rows = self.wanted.len();
        out.logits.clear();
        out.top.clear();
        match entries {
            LogitEntries::All => out.logits.extend_from_slice(&self.logits.get_mut()[..rows * vocab]),
            LogitEntries::Top(top) => {
                let lists = self.best.get_mut();
                for row in 0..rows {
                    let mut best = vec![TopEntries::EMPTY; top];
                    for member in 0..threads {
                        let start = (member * rows + row) * top;
                        lists[start..start + top].iter().for_each(|entry| insert(&mut best, *entry));
                    }
                    let found = best.into_iter().filter(|entry| *entry != TopEntries::EMPTY);
                    out.top.push(found.map(|(logit, id)| (id, logit)).collect());
                }
            }
        }
    }

    /// Bytes of all buffers.
    pub(super) fn bytes(&mut self) -> usize {
        let rows = [&mut self.x, &mut self.q, &mut self.attended, &mut self.row, &mut self.hidden];
        let floats = rows.into_iter().chain([&mut self.sums, &mut self.logits]);
        let floats: usize = floats.map(|field| size_of_val(field.get_mut())).sum();
        let inputs = [&mut self.normed, &mut self.mixed, &mut self.gated, &mut self.last];
        let inputs: usize = inputs.map(Inputs::bytes).into_iter().sum();
        floats + inputs + size_of_val(self.best.get_mut())
    }
}
