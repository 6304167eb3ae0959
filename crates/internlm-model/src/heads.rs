//! Query heads and key/value heads: how many there are, and how one projection packs them.

use burn::tensor::Tensor;

/// How many heads there are.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct HeadShape {
    /// Number of query heads; a multiple of `kv_heads`.
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
    /// The projection that [`PackedQkv::split`] takes apart.
    ///
    /// # Shapes
    /// - q: `[T, heads, d]`
    /// - k, v: `[T, kv_heads, d]`
    #[must_use]
    pub fn join(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Self {
        let ([tokens, heads, d], kv_heads) = (q.dims(), k.dims()[1]);
        let group = heads / kv_heads;
        let q = q.reshape([tokens, kv_heads, group, d]);
        let grouped = Tensor::cat(vec![q, k.unsqueeze_dim(2), v.unsqueeze_dim(2)], 2);
        let packed = grouped.reshape([tokens, (heads + 2 * kv_heads) * d]);
        Self { packed, shape: HeadShape { heads, kv_heads } }
    }

    /// Numbers of one head.
    #[must_use]
    pub fn head_dim(&self) -> usize {
        self.packed.dims()[1] / (self.shape.heads + 2 * self.shape.kv_heads)
    }

    /// Queries, keys and values as separate tensors.
    ///
    /// # Shapes
    /// - q: `[T, heads, d]`
    /// - k, v: `[T, kv_heads, d]`
    #[must_use]
    pub fn split(self) -> (Tensor<3>, Tensor<3>, Tensor<3>) {
        let tokens = self.packed.dims()[0];
        let HeadShape { heads, kv_heads } = self.shape;
        let (d, group) = (self.head_dim(), heads / kv_heads);
        let grouped = self.packed.reshape([tokens, kv_heads, group + 2, d]);
        let q = grouped.clone().narrow(2, 0, group).reshape([tokens, heads, d]);
        let k = grouped.clone().narrow(2, group, 1).reshape([tokens, kv_heads, d]);
        let v = grouped.narrow(2, group + 1, 1).reshape([tokens, kv_heads, d]);
        (q, k, v)
    }
}
