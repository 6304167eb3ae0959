//! Rotation and causal attention of a packed row on a GPU as one differentiable operation on the packed projection.

use burn::backend::Dispatch;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::{DType, Tensor};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::Float;
use half::{bf16, f16};

use super::backward_keys::differentiate_keys;
use super::backward_queries::differentiate_queries;
use super::forward::attend;
use super::gradient::write_products;
use super::plan::{Form, Plan, SHARED, Span, UNITS};
use super::tiled::Tiled;
use crate::heads::HeadShape;
use crate::kernels::device::backend::{DeviceBackend, DeviceOp};
use crate::kernels::device::launch::{Grid, Refusal, empty, empty_f32, primitive, rows, size, upload};
use crate::kernels::device::rotary::{Angles, Direction, rotate_groups};
use crate::kernels::device::tile::TileForm;
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
    let kernels = Kernels::new(packed, shape, positions, window);
    let kernels = kernels.inspect_err(|refusal| refusal.report()).ok()?;
    let op = RotaryAttentionOp {
        heads: [kv_heads, heads / kv_heads, d],
        kernels,
        angles: Angles::new(table.cos.clone(), table.sin.clone()),
    };
    Some(Tensor::from_dispatch(Dispatch::device1(op, packed.clone().into_dispatch())))
}

#[derive(Clone, Debug)]
struct RotaryAttentionOp {
    /// Kv heads, queries of each, width.
    heads: [usize; 3],
    kernels: Kernels,
    angles: Angles,
}

/// Which kernels attend, and the tiles of the row.
#[derive(Clone, Debug)]
enum Kernels {
    /// Ordinary multiplications in f32, whatever the number format.
    Units { form: Form, plan: Plan },
    /// Tensor cores, for formats of 16 bits.
    Tiles(Tiled),
}

impl Kernels {
    fn new(
        packed: &Tensor<2>,
        shape: HeadShape,
        positions: &Positions,
        window: Option<usize>,
    ) -> Result<Self, Refusal> {
        let HeadShape { heads, kv_heads } = shape;
        let d = packed.dims()[1] / (heads + 2 * kv_heads);
        if positions.runs().iter().any(|run| run.first > 0) {
            return Err(Refusal::CachedKeys);
        }
        let tile = TileForm::of(&primitive(packed.clone()).client, packed.dtype());
        if let Some(tiled) = tile.and_then(|tile| Tiled::new(shape, d, positions, window, tile)) {
            return Ok(Self::Tiles(tiled));
        }
        let form = Form::new(shape, d, SHARED).ok_or(Refusal::Heads { heads, kv_heads, d })?;
        if tile.is_some() {
            Refusal::TensorCores("attention with these heads").report();
        }
        Ok(Self::Units { form, plan: Plan::new(positions, window, form) })
    }
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
        let x = self.turned(packed, Direction::Forward);
        let [out, norms] = match &self.kernels {
            Kernels::Units { form, plan } => attend_by_units(&x, *form, plan),
            Kernels::Tiles(tiled) => tiled.attend(&x),
        };
        (out.clone(), Saved { op: self, x, out, norms })
    }

    fn backward(saved: Saved, gradient: CubeTensor, wanted: [bool; 1]) -> [Option<CubeTensor>; 1] {
        [wanted[0].then(|| saved.input_gradient(rows(gradient)))]
    }
}

impl RotaryAttentionOp {
    /// Queries and keys of the projection turned by their angles, values as they are.
    fn turned(&self, packed: CubeTensor, direction: Direction) -> CubeTensor {
        rotate_groups(packed, &self.angles, self.heads, direction)
    }
}

/// The tiles on the GPU, and one cube for each and each kv head.
struct Launch {
    tiles: CubeTensor,
    grid: Grid,
}

impl Launch {
    fn new(tiles: &[Span], like: &CubeTensor, form: Form) -> Self {
        let grid = Grid::cubes_of(&like.client, tiles.len() * form.kv_heads, UNITS as u32);
        Self { tiles: upload(like, tiles.as_flattened(), [tiles.len(), 5]), grid }
    }
}

/// The output and the log-sum-exp of each query.
fn attend_by_units(x: &CubeTensor, form: Form, plan: &Plan) -> [CubeTensor; 2] {
    let (tokens, heads) = (size(x, 0), form.kv_heads * form.group);
    let (out, norms) = (empty(x, [tokens, heads * form.d]), empty_f32(x, [2, heads, tokens]));
    let Launch { tiles, grid: Grid { count, dim } } = Launch::new(&plan.queries, x, form);
    attend::launch(
        &x.client,
        count,
        dim,
        x.clone().into_tensor_arg(),
        tiles.into_tensor_arg(),
        out.clone().into_tensor_arg(),
        norms.clone().into_tensor_arg(),
        form,
        dtype_to_storage_type(x.dtype),
    );
    [out, norms]
}

impl Saved {
    /// The gradient of the projection.
    fn input_gradient(&self, gradient: CubeTensor) -> CubeTensor {
        // The second half of the norms.
        write_products(&self.out, &gradient, &self.norms);
        let dx = match &self.op.kernels {
            Kernels::Units { form, plan } => match self.x.dtype {
                DType::BF16 => self.differentiate_by_units::<bf16>(gradient, *form, plan),
                DType::F16 => self.differentiate_by_units::<f16>(gradient, *form, plan),
                _ => self.differentiate_by_units::<f32>(gradient, *form, plan),
            },
            Kernels::Tiles(tiled) => tiled.differentiate(&self.x, gradient, &self.norms),
        };
        self.op.turned(dx, Direction::Back)
    }

    /// The gradient of the rotated projection, of numbers F.
    fn differentiate_by_units<F: Float>(&self, gradient: CubeTensor, form: Form, plan: &Plan) -> CubeTensor {
        let (x, dx) = (&self.x, empty(&self.x, [size(&self.x, 0), size(&self.x, 1)]));
        let Launch { tiles, grid: Grid { count, dim } } = Launch::new(&plan.queries, x, form);
        differentiate_queries::launch::<F>(
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
        let Launch { tiles, grid: Grid { count, dim } } = Launch::new(&plan.keys, x, form);
        differentiate_keys::launch::<F>(
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
        dx
    }
}
