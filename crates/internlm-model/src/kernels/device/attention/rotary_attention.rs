//! Rotation and causal attention of a packed row on a GPU as one differentiable operation on the packed projection.

use burn::backend::Dispatch;
use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::backward_keys::differentiate_keys;
use super::backward_queries::differentiate_queries;
use super::forward::attend;
use super::gradient::multiply_outputs;
use super::plan::{Form, Plan, SHARED, Span, UNITS};
use crate::heads::HeadShape;
use crate::kernels::device::backend::{DeviceBackend, DeviceOp};
use crate::kernels::device::launch::{Grid, Refusal, empty, rows, size, upload};
use crate::kernels::device::rotary::{Angles, Direction, rotate_groups};
use crate::positions::Positions;
use crate::rope::RopeTable;

/// Rotation and attention of a row in which all keys are new; `None`, reported in the log, for rows with cached keys
/// and heads too wide for shared memory.
pub(in crate::kernels) fn apply(
    packed: &Tensor<2>,
    shape: HeadShape,
    table: &RopeTable,
    positions: &Positions,
    window: Option<usize>,
) -> Option<Tensor<2>> {
    let HeadShape { heads, kv_heads } = shape;
    let d = packed.dims()[1] / (heads + 2 * kv_heads);
    let form = if positions.runs().iter().any(|run| run.first > 0) {
        Err(Refusal::CachedKeys)
    } else {
        Form::new(shape, d, SHARED).ok_or(Refusal::Heads { heads, kv_heads, d })
    };
    let form = form.inspect_err(|refusal| refusal.report()).ok()?;
    let op = RotaryAttentionOp {
        form,
        plan: Plan::new(positions, window, form),
        angles: Angles::new(table.cos.clone(), table.sin.clone()),
    };
    Some(Tensor::from_dispatch(Dispatch::device1(op, packed.clone().into_dispatch())))
}

#[derive(Clone, Debug)]
struct RotaryAttentionOp {
    form: Form,
    plan: Plan,
    angles: Angles,
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct Saved {
    op: RotaryAttentionOp,
    /// The rotated projection, `[T, (heads + 2 kv_heads) d]`.
    x: CubeTensor,
    /// The output, `[T, heads * d]`.
    out: CubeTensor,
    /// `[2, heads, T]`: the log-sum-exp of each query; the backward pass writes the other half.
    norms: CubeTensor,
}

impl DeviceOp<1> for RotaryAttentionOp {
    type Saved = Saved;

    fn forward(self, [packed]: [CubeTensor; 1], _wanted: [bool; 1]) -> (CubeTensor, Saved) {
        let (form, tokens) = (self.form, size(&packed, 0));
        let heads = form.kv_heads * form.group;
        let x = self.turned(packed, Direction::Forward);
        let (out, norms) = (empty(&x, [tokens, heads * form.d]), empty(&x, [2, heads, tokens]));
        let (tiles, Grid { count, dim }) = self.tiles(&self.plan.queries, &x);
        attend::launch(
            &x.client,
            count,
            dim,
            x.clone().into_tensor_arg(),
            tiles.into_tensor_arg(),
            out.clone().into_tensor_arg(),
            norms.clone().into_tensor_arg(),
            form,
        );
        (out.clone(), Saved { op: self, x, out, norms })
    }

    fn backward(saved: Saved, gradient: CubeTensor, wanted: [bool; 1]) -> [Option<CubeTensor>; 1] {
        [wanted[0].then(|| saved.input_gradient(rows(gradient)))]
    }
}

impl RotaryAttentionOp {
    /// Queries and keys of the projection turned by their angles, values as they are.
    fn turned(&self, packed: CubeTensor, direction: Direction) -> CubeTensor {
        rotate_groups(packed, &self.angles, [self.form.kv_heads, self.form.group, self.form.d], direction)
    }

    /// The tiles on the GPU, and one cube for each and each kv head.
    fn tiles(&self, tiles: &[Span], like: &CubeTensor) -> (CubeTensor, Grid) {
        let grid = Grid::cubes_of(&like.client, tiles.len() * self.form.kv_heads, UNITS as u32);
        (upload(like, tiles.as_flattened(), [tiles.len(), 5]), grid)
    }
}

impl Saved {
    /// The gradient of the projection.
    fn input_gradient(&self, gradient: CubeTensor) -> CubeTensor {
        let (op, x, form) = (&self.op, &self.x, self.op.form);
        let dx = empty(x, [size(x, 0), size(x, 1)]);
        let Grid { count, dim } = Grid::units(&x.client, size(x, 0) * form.kv_heads * form.group);
        multiply_outputs::launch(
            &x.client,
            count,
            dim,
            self.out.clone().into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            self.norms.clone().into_tensor_arg(),
            form,
        );
        let (tiles, Grid { count, dim }) = op.tiles(&op.plan.queries, x);
        differentiate_queries::launch(
            &x.client,
            count,
            dim,
            x.clone().into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            self.norms.clone().into_tensor_arg(),
            tiles.into_tensor_arg(),
            dx.clone().into_tensor_arg(),
            form,
        );
        let (tiles, Grid { count, dim }) = op.tiles(&op.plan.keys, x);
        differentiate_keys::launch(
            &x.client,
            count,
            dim,
            x.clone().into_tensor_arg(),
            gradient.into_tensor_arg(),
            self.norms.clone().into_tensor_arg(),
            tiles.into_tensor_arg(),
            dx.clone().into_tensor_arg(),
            form,
        );
        op.turned(dx, Direction::Back)
    }
}
