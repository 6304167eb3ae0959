//! Rotation and causal attention of a packed row as one differentiable operation on the packed projection.

use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use super::Mask;
use crate::heads::HeadShape;
use crate::kernels::plain;
use crate::positions::Positions;
use crate::rope::RopeTable;

/// Splits the projection, rotates queries and keys, attends causally inside each sequence; a query sees the last
/// `window` keys up to its own.
///
/// # Shapes
/// - packed: `[T, (heads + 2 kv_heads) d]`, per kv head its queries, its key, its value
/// - output: `[T, heads * d]`
#[must_use]
pub fn rotary_attention(
    packed: Tensor<2>,
    shape: HeadShape,
    table: &RopeTable,
    positions: &Positions,
    window: Option<usize>,
) -> Tensor<2> {
    #[cfg(feature = "flex")]
    if crate::kernels::fused::accepts(&packed) && positions.runs().iter().all(|run| run.first == 0) {
        return fused::apply(packed, shape, table, Mask { positions: positions.clone(), window });
    }
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    if crate::kernels::device::accepts_floats(&packed)
        && let Some(out) = crate::kernels::device::attention::apply(&packed, shape, table, positions, window)
    {
        return out;
    }
    plain::rotary_attention(packed, shape, table, positions, window)
}

#[cfg(feature = "flex")]
mod fused {
    //! The kernel of the CPU backend.

    use burn::backend::{Dispatch, Flex};
    use burn::tensor::Tensor;
    use burn_flex::FlexTensor;

    use super::super::{
        HeadLayout, Mask, Output, OutputGradient, Rotation, backward, forward, gather, scatter,
    };
    use crate::heads::HeadShape;
    use crate::kernels::buffer::Buffer;
    use crate::kernels::fused::{FusedBackend, FusedOp, floats};
    use crate::rope::RopeTable;

    pub(super) fn apply(packed: Tensor<2>, shape: HeadShape, table: &RopeTable, mask: Mask) -> Tensor<2> {
        let primitive = |tensor: &Tensor<2>| {
            tensor
                .clone()
                .inner()
                .try_into_primitive::<Flex>()
                .expect("rotation tables are on the device of the row")
        };
        let op = RotaryAttentionOp {
            layout: HeadLayout::new(shape, packed.dims()[1]),
            mask,
            cos: primitive(&table.cos),
            sin: primitive(&table.sin),
        };
        Tensor::from_dispatch(Dispatch::fused1(op, packed.into_dispatch()))
    }

    #[derive(Clone, Debug)]
    struct RotaryAttentionOp {
        layout: HeadLayout,
        mask: Mask,
        cos: FlexTensor,
        sin: FlexTensor,
    }

    /// The operation, the rotated projection, the output and its log-sum-exp.
    #[derive(Clone, Debug)]
    pub(super) struct Saved {
        op: RotaryAttentionOp,
        groups: FlexTensor,
        out: FlexTensor,
        log_sums: FlexTensor,
    }

    impl FusedOp<1> for RotaryAttentionOp {
        type Saved = Saved;

        fn forward(self, [packed]: [FlexTensor; 1], _wanted: [bool; 1]) -> (FlexTensor, Saved) {
            let (tokens, layout) = (self.mask.positions.tokens(), self.layout);
            let mut groups = Buffer::stale(tokens * layout.width());
            let rotation = Rotation { cos: floats(&self.cos), sin: floats(&self.sin) };
            gather(floats(&packed), layout, rotation, &mut groups);
            let mut out = Buffer::stale(tokens * layout.output_width());
            let mut log_sums = Buffer::stale(tokens * layout.heads);
            forward(&groups, layout, &self.mask, Output { out: &mut out, log_sums: &mut log_sums });
            let out = out.into_tensor([tokens, layout.output_width()]);
            let groups = groups.into_tensor([layout.kv_heads, tokens, layout.group_width()]);
            let log_sums = log_sums.into_tensor([tokens, layout.heads]);
            (out.clone(), Saved { op: self, groups, out, log_sums })
        }

        fn backward(saved: Saved, gradient: FlexTensor, wanted: [bool; 1]) -> [Option<FlexTensor>; 1] {
            if !wanted[0] {
                return [None];
            }
            let Saved { op, groups, out, log_sums } = saved;
            let (tokens, layout) = (op.mask.positions.tokens(), op.layout);
            let mut dgroups = Buffer::stale(tokens * layout.width());
            let output = OutputGradient {
                out: floats(&out),
                log_sums: floats(&log_sums),
                gradient: floats(&gradient),
            };
            backward(floats(&groups), layout, &op.mask, output, &mut dgroups);
            let mut packed = Buffer::stale(tokens * layout.width());
            let rotation = Rotation { cos: floats(&op.cos), sin: floats(&op.sin) };
            scatter(&dgroups, layout, rotation, &mut packed);
            [Some(packed.into_tensor([tokens, layout.width()]))]
        }
    }
}
