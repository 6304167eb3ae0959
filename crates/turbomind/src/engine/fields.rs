//! [`Fields`]: the numbers of one pass, allocated once.

use internlm_model::rope::Rope;

use crate::kernels::{Inputs, Needs, Shared, Sums};
use crate::model::Model;
use crate::{SeqStep, Want};

/// Positions whose rotation is kept.
const KEPT_ANGLES: usize = 65_536;

/// Room for a pass of at most `max_batched_tokens` tokens.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Residual stream, `[tokens, hidden]`.
    pub(super) x: Shared<f32>,
    /// Queries, `[tokens, heads * head_dim]`.
    pub(super) q: Shared<f32>,
    /// Outputs of the attention, likewise.
    pub(super) attended: Shared<f32>,
    /// Input of q, k, v and of w1, w3.
    pub(super) normed: Inputs,
    /// Input of wo.
    pub(super) mixed: Inputs,
    /// Input of w2.
    pub(super) gated: Inputs,
    /// Input of the output matrix.
    pub(super) last: Inputs,
    /// Sums of each member.
    pub(super) sums: Shared<f32>,
    pub(super) sums_each: usize,
    /// Two rows of each member.
    pub(super) row: Shared<f32>,
    pub(super) row_each: usize,
    /// Logits, `[rows, vocab]`.
    pub(super) logits: Shared<f32>,
    /// Best entries of each member.
    pub(super) best: Shared<(f32, u32)>,
    /// All tokens of the pass.
    pub(super) tokens: Vec<u32>,
    /// The step of each token.
    pub(super) sequences: Vec<usize>,
    /// Tokens whose logits are wanted.
    pub(super) wanted: Vec<usize>,
    /// (block, slot) of each token.
    pub(super) places: Vec<(u32, usize)>,
    /// Rotation of each token, `[tokens, head_dim / 2]`.
    pub(super) cos: Vec<f32>,
    pub(super) sin: Vec<f32>,
    /// Rotation of positions `0..` with the plain base.
    angles: (Vec<f32>, Vec<f32>),
}

impl Fields {
    /// Takes the shape of a pass of `tokens` tokens.
    pub(super) fn reshape(&mut self, model: &Model, threads: usize, tokens: usize) {
        let config = &model.config;
        let q_width = config.heads * config.head_dim;
        self.x.reserve(tokens * config.hidden);
        self.q.reserve(tokens * q_width);
        self.attended.reserve(tokens * q_width);
        self.row_each = config.hidden.max(q_width);
        self.row.reserve(2 * threads * self.row_each);
        self.sums_each = Sums::needed(tokens, config.head_dim);
        self.sums.reserve(threads * self.sums_each);
        let all = |pick: fn(&crate::model::Layer) -> Vec<Needs>| {
            model.layers.iter().flat_map(pick).fold(Needs::default(), Needs::or)
        };
        let normed = all(|layer| layer.qkv.iter().chain([&layer.w1, &layer.w3]).map(|w| w.needs()).collect());
        self.normed.reshape(threads, [tokens, config.hidden], normed);
        self.mixed.reshape(threads, [tokens, q_width], all(|layer| vec![layer.wo.needs()]));
        self.gated.reshape(threads, [tokens, config.inter], all(|layer| vec![layer.w2.needs()]));
    }

    /// Takes the shape of the head of a pass.
    pub(super) fn reshape_head(&mut self, model: &Model, threads: usize, want: Want) {
        let rows = self.wanted.len();
        self.last.reshape(threads, [rows, model.config.hidden], model.output.needs());
        match want {
            Want::Logits => self.logits.reserve(rows * model.config.vocab),
            Want::Top(top) => self.best.reserve(threads * rows * top),
        }
    }

    /// Lists the tokens of a pass and where each belongs.
    pub(super) fn begin(&mut self, steps: &[SeqStep<'_>], rope: &Rope, block_tokens: usize) {
        for list in [&mut self.sequences, &mut self.wanted] {
            list.clear();
        }
        self.tokens.clear();
        self.places.clear();
        self.cos.clear();
        self.sin.clear();
        for (index, step) in steps.iter().enumerate() {
            self.wanted.extend(step.wanted().map(|row| self.tokens.len() + row));
            self.tokens.extend_from_slice(step.tokens);
            self.sequences.extend(step.tokens.iter().map(|_| index));
            let positions = step.position..step.position + step.tokens.len();
            let place = |position: usize| (step.blocks[position / block_tokens], position % block_tokens);
            self.places.extend(positions.clone().map(place));
            self.rotate(rope, positions, step.rope_len);
        }
    }

    /// Adds the rotation of some positions of a sequence.
    fn rotate(&mut self, rope: &Rope, positions: std::ops::Range<usize>, length: usize) {
        let base = rope.base(length);
        if base != rope.base(0) || positions.end > KEPT_ANGLES {
            let (cos, sin) = rope.angles(base, positions);
            self.cos.extend(cos);
            self.sin.extend(sin);
            return;
        }
        let half = rope.angles(base, 0..1).0.len();
        let known = self.angles.0.len() / half;
        if positions.end > known {
            let (cos, sin) = rope.angles(base, known..positions.end.next_multiple_of(256));
            self.angles.0.extend(cos);
            self.angles.1.extend(sin);
        }
        let range = positions.start * half..positions.end * half;
        self.cos.extend_from_slice(&self.angles.0[range.clone()]);
        self.sin.extend_from_slice(&self.angles.1[range]);
    }

    /// Bytes of all of it.
    pub(super) fn bytes(&mut self) -> usize {
        let floats =
            [&mut self.x, &mut self.q, &mut self.attended, &mut self.row, &mut self.sums, &mut self.logits];
        let floats: usize = floats.map(|field| size_of_val(field.get_mut())).into_iter().sum();
        let inputs = [&mut self.normed, &mut self.mixed, &mut self.gated, &mut self.last];
        let inputs: usize = inputs.map(Inputs::bytes).into_iter().sum();
        floats + inputs + size_of_val(self.best.get_mut())
    }
}
