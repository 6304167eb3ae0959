//! Where queries meet keys: the seam between the decoder and whoever keeps the keys.
//!
//! [`Causal`] holds nothing (training, scoring: every key is in the row), [`GrowingCache`] keeps the keys of one
//! sequence (reference generation), the serving engine has its own paged cache. The decoder does not know which.

use burn::tensor::Tensor;

use crate::kernels;
use crate::positions::{Positions, Run};
use crate::rope::RopeTable;

/// Attention over the keys of this row and of whatever came before.
pub trait Attend {
    /// Where the tokens of the current row stand; rotation follows from it.
    fn positions(&self) -> &Positions;

    /// Attention of one layer; q and k are already rotated.
    ///
    /// # Shapes
    /// - q, output: `[T, heads, d]`
    /// - k, v: `[T, kv_heads, d]`
    fn attend(&mut self, layer: usize, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3>;

    /// Rotation and attention of one layer from the packed projection.
    ///
    /// The provided body splits, rotates and calls [`Attend::attend`]; [`Causal`] fuses the three.
    ///
    /// # Shapes
    /// - `qkv.packed`: `[T, (heads + 2 kv_heads) d]`
    /// - output: `[T, heads * d]`
    fn attend_packed(&mut self, layer: usize, qkv: PackedQkv, table: &RopeTable) -> Tensor<2> {
        let (q, k, v) = qkv.split();
        let q = kernels::rotate(q, table.cos.clone(), table.sin.clone());
        let k = kernels::rotate(k, table.cos.clone(), table.sin.clone());
        let out = self.attend(layer, q, k, v);
        let [tokens, heads, d] = out.dims();
        out.reshape([tokens, heads * d])
    }
}

/// How many heads there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HeadShape {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
}

/// The output of `wqkv`: per kv head its query heads, then its key, then its value.
#[derive(Clone, Debug)]
pub struct PackedQkv {
    /// `[T, (heads + 2 kv_heads) d]`, not rotated.
    pub packed: Tensor<2>,
    /// Heads and kv heads.
    pub shape: HeadShape,
}

impl PackedQkv {
    /// Queries, keys and values as separate tensors.
    ///
    /// # Shapes
    /// - q: `[T, heads, d]`
    /// - k, v: `[T, kv_heads, d]`
    #[must_use]
    pub fn split(self) -> (Tensor<3>, Tensor<3>, Tensor<3>) {
        let [tokens, width] = self.packed.dims();
        let HeadShape { heads, kv_heads } = self.shape;
        let (d, group) = (width / (heads + 2 * kv_heads), heads / kv_heads);
        let grouped = self.packed.reshape([tokens, kv_heads, group + 2, d]);
        let q = grouped.clone().narrow(2, 0, group).reshape([tokens, heads, d]);
        let k = grouped.clone().narrow(2, group, 1).reshape([tokens, kv_heads, d]);
        let v = grouped.narrow(2, group + 1, 1).reshape([tokens, kv_heads, d]);
        (q, k, v)
    }
}

/// Causal attention inside each sample of a packed row; nothing is kept between rows.
#[derive(Clone, Debug)]
pub struct Causal {
    positions: Positions,
}

impl Causal {
    /// Samples delimited by cumulative lengths, each from position 0.
    #[must_use]
    pub fn packed(cumulative: &[usize]) -> Self {
        Self { positions: Positions::packed(cumulative) }
    }

    /// One sequence from position 0.
    #[must_use]
    pub fn sequence(tokens: usize) -> Self {
        Self { positions: Positions::sequence(tokens) }
    }
}

impl Attend for Causal {
    fn positions(&self) -> &Positions {
        &self.positions
    }

    fn attend(&mut self, _layer: usize, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        kernels::packed_attention(q, k, v, &self.positions)
    }

    fn attend_packed(&mut self, _layer: usize, qkv: PackedQkv, table: &RopeTable) -> Tensor<2> {
        kernels::rotary_attention(qkv.packed, qkv.shape, table, &self.positions)
    }
}

/// The keys and values of one sequence, appended to as it grows.
#[derive(Clone, Debug, Default)]
pub struct GrowingCache {
    layers: Vec<(Tensor<3>, Tensor<3>)>,
    length: usize,
    positions: Positions,
}

impl GrowingCache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Announces the next row: `tokens` new tokens after the cached ones. Call it before every forward.
    pub fn extend(&mut self, tokens: usize) {
        self.positions = Positions::from_runs(vec![Run { first: self.length, tokens }]);
        self.length += tokens;
    }

    /// Cached tokens, those of the announced row included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing has been announced yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Attend for GrowingCache {
    fn positions(&self) -> &Positions {
        &self.positions
    }

    fn attend(&mut self, layer: usize, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<3> {
        let run = self.positions.runs()[0];
        let (k, v) = match self.layers.get(layer) {
            Some((keys, values)) => {
                (Tensor::cat(vec![keys.clone(), k], 0), Tensor::cat(vec![values.clone(), v], 0))
            }
            None => (k, v),
        };
        let out = kernels::plain::attention(q, k.clone(), v.clone(), run);
        match self.layers.get_mut(layer) {
            Some(slot) => *slot = (k, v),
            None => self.layers.push((k, v)),
        }
        out
    }
}
