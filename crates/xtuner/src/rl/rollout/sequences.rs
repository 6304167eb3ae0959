//! [`Sequences`]: the keys and values of several sequences that are generated side by side.

use burn::tensor::{Tensor, TensorData};
use internlm_model::attend::{Attend, AttentionLayer, HeadShape};
use internlm_model::kernels::{CachedKeys, KeyBlock, QueryRows, cached_attention};
use internlm_model::parameter::numbers;
use internlm_model::positions::{Positions, Run};

/// Keys and values of one layer of one sequence, `[tokens, kv_heads, d]` each, in host memory.
#[derive(Clone, Debug)]
struct Grown {
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Grown {
    /// An empty cache for `floats` keys and as many values. Room for the longest sequence is reserved at once: memory that
    /// is never written is not taken, and growing would move the cache and double it.
    fn with_room(floats: usize) -> Self {
        Self { keys: Vec::with_capacity(floats), values: Vec::with_capacity(floats) }
    }

    /// The same keys and values with room for `floats` of each.
    fn copied(&self, floats: usize) -> Self {
        let mut copy = Self::with_room(floats);
        copy.extend(&self.keys, &self.values);
        copy
    }

    fn extend(&mut self, keys: &[f32], values: &[f32]) {
        self.keys.extend_from_slice(keys);
        self.values.extend_from_slice(values);
    }
}

/// One sequence: how many tokens it has and may get, and its layers.
#[derive(Clone, Debug, Default)]
struct Sequence {
    length: usize,
    limit: usize,
    layers: Vec<Grown>,
}

/// The caches of all sequences, and those that take part in the row in progress.
#[derive(Clone, Debug)]
pub(super) struct Sequences {
    all: Vec<Sequence>,
    /// Number of the sequence of each run of the row.
    row: Vec<usize>,
    positions: Positions,
}

impl Sequences {
    /// An empty sequence for each limit, which is the number of tokens that it may get.
    pub(super) fn new(limits: impl Iterator<Item = usize>) -> Self {
        let all = limits.map(|limit| Sequence { limit, ..Sequence::default() }).collect();
        Self { all, row: Vec::new(), positions: Positions::default() }
    }

    /// Announces the next row: per entry a sequence and how many tokens of it follow. Call it before every forward.
    pub(super) fn extend(&mut self, row: &[(usize, usize)]) {
        let mut runs = Vec::with_capacity(row.len());
        for (number, tokens) in row {
            let sequence = &mut self.all[*number];
            runs.push(Run { first: sequence.length, tokens: *tokens });
            sequence.length += tokens;
        }
        self.row = row.iter().map(|(number, _)| *number).collect();
        self.positions = Positions::from_runs(runs);
    }

    /// Gives the sequence `to` the tokens of `from`: answers to one prompt share its computation.
    pub(super) fn copy(&mut self, from: usize, to: usize) {
        let (length, limit) = (self.all[from].length, self.all[to].limit);
        let room = |grown: &Grown| grown.keys.len() / length.max(1) * limit;
        let layers = self.all[from].layers.iter().map(|grown| grown.copied(room(grown))).collect();
        self.all[to] = Sequence { length, limit, layers };
    }

    /// Frees the keys of a sequence that has ended.
    pub(super) fn drop_keys(&mut self, number: usize) {
        self.all[number].layers = Vec::new();
    }
}

impl Attend for Sequences {
    fn positions(&self) -> &Positions {
        &self.positions
    }

    fn attend(&mut self, layer: AttentionLayer, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        let (dims, device) = (q.dims(), q.device().inner());
        let ([_, heads, d], kv_heads) = (dims, k.dims()[1]);
        let shape = HeadShape { heads, kv_heads };
        let (q, k, v) = (numbers(q), numbers(k), numbers(v));
        let mut out = vec![0.0; q.len()];
        let mut start = 0;
        for (number, run) in self.row.iter().zip(self.positions.runs()) {
            let Sequence { limit, layers, .. } = &mut self.all[*number];
            if layers.len() == layer.index {
                layers.push(Grown::with_room(*limit * kv_heads * d));
            }
            let grown = &mut layers[layer.index];
            let end = start + run.tokens;
            let new = start * kv_heads * d..end * kv_heads * d;
            grown.extend(&k[new.clone()], &v[new]);
            let block = KeyBlock { keys: &grown.keys, values: &grown.values };
            let cached = CachedKeys { blocks: &[block], block_tokens: run.keys() };
            let queries = QueryRows {
                q: &q[start * heads * d..end * heads * d],
                run: *run,
                shape,
                window: layer.window,
            };
            cached_attention(queries, cached, &mut out[start * heads * d..end * heads * d]);
            start = end;
        }
        Tensor::from_data(TensorData::new(out, dims), &device)
    }
}
