//! Rotation of queries and keys by their positions.

use burn::tensor::Tensor;

use super::plain;
use crate::heads::PackedQkv;
use crate::rope::RopeTable;

/// Half-split rotation: `(x1 cos - x2 sin, x2 cos + x1 sin)`.
///
/// # Shapes
/// - x, output: `[T, heads, d]`
/// - cos, sin: `[T, d / 2]`
#[must_use]
pub fn rotate(x: Tensor<3>, cos: Tensor<2>, sin: Tensor<2>) -> Tensor<3> {
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_floats(&x) && super::device::accepts(&cos) && super::device::accepts(&sin) {
        return super::device::rotary::apply(x, cos, sin);
    }
    plain::rotate(x, cos, sin)
}

/// Queries and keys of a projection rotated, values as they are: what caches take. Nothing is differentiated.
///
/// # Shapes
/// - `qkv.packed`, output: `[T, (heads + 2 kv_heads) d]`
#[must_use]
pub fn rotate_packed(qkv: PackedQkv, table: &RopeTable) -> PackedQkv {
    let qkv = PackedQkv { packed: qkv.packed.inner(), ..qkv };
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if super::device::accepts_floats(&qkv.packed) && super::device::accepts(&table.cos) {
        let packed = super::device::rotary::apply_packed(&qkv, table.cos.clone(), table.sin.clone());
        return PackedQkv { packed, ..qkv };
    }
    let (q, k, v) = qkv.split();
    let turn = |x| rotate(x, table.cos.clone(), table.sin.clone());
    PackedQkv::join(turn(q), turn(k), v)
}
