//! [`Tiled`]: the kernels on tensor cores, and the tiles of one packed row that they work on.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::Float;
use half::{bf16, f16};

use super::backward_keys::differentiate_key_tiles;
use super::backward_queries::differentiate_query_tiles;
use super::form::TiledForm;
use super::forward::attend_tiles;
use crate::heads::HeadShape;
use crate::kernels::device::attention::plan::{Span, tiles};
use crate::kernels::device::launch::{Grid, empty, empty_f32, rows, size, upload};
use crate::kernels::device::tile::{CHUNK, TileForm};
use crate::positions::Positions;

/// Sizes and tiles of a packed row in which all keys are new.
#[derive(Clone, Debug)]
pub(in crate::kernels::device::attention) struct Tiled {
    forward: TiledForm,
    backward: TiledForm,
    /// Tiles of queries, of one size in all passes.
    queries: Vec<Span>,
    keys: Vec<Span>,
}

impl Tiled {
    /// Cuts a row for heads of width `d`; `None` for heads that tiles do not fit.
    pub(in crate::kernels::device::attention) fn new(
        shape: HeadShape,
        d: usize,
        positions: &Positions,
        window: Option<usize>,
        form: TileForm,
    ) -> Option<Self> {
        // Planes of a cube, and queries or keys of a visited tile: two gradients leave fewer registers for scores.
        let [forward, backward] = match form {
            TileForm::Mma => [[4, 64], [4, 32]],
            TileForm::Emulated => [[2, 16], [2, 16]],
        };
        let forward = TiledForm::new(shape, d, forward, form)?;
        let backward = TiledForm::new(shape, d, backward, form)?;
        Some(Self {
            forward,
            backward,
            queries: tiles(positions, window, forward.tokens(forward.owned())),
            keys: tiles(positions, window, backward.owned()),
        })
    }

    /// The output `[T, heads * d]` and, in f32, `[2, heads, T]`: the log-sum-exp of each query and memory for the
    /// backward pass.
    ///
    /// # Shapes
    /// - x: `[T, (heads + 2 kv_heads) d]`, the rotated projection, rows without gaps
    pub(in crate::kernels::device::attention) fn attend(&self, x: &CubeTensor) -> [CubeTensor; 2] {
        let (form, tokens) = (self.forward, size(x, 0));
        let heads = form.kv_heads * form.group;
        let (out, norms) = (empty(x, [tokens, heads * form.d]), empty_f32(x, [2, heads, tokens]));
        let Launch { tiles, grid: Grid { count, dim } } = Launch::new(&self.queries, x, form);
        attend_tiles::launch(
            &x.client,
            count,
            dim,
            form.form.vector(),
            x.clone().into_tensor_arg(),
            tiles.into_tensor_arg(),
            out.clone().into_tensor_arg(),
            norms.clone().into_tensor_arg(),
            form,
            dtype_to_storage_type(x.dtype),
        );
        [out, norms]
    }

    /// The gradient of the rotated projection.
    ///
    /// # Shapes
    /// - x, output: `[T, (heads + 2 kv_heads) d]`
    /// - gradient: `[T, heads * d]`
    /// - norms: `[2, heads, T]`, both halves written
    pub(in crate::kernels::device::attention) fn differentiate(
        &self,
        x: &CubeTensor,
        gradient: CubeTensor,
        norms: &CubeTensor,
    ) -> CubeTensor {
        match x.dtype {
            DType::BF16 => self.differentiate_as::<bf16>(x, even(gradient), norms),
            DType::F16 => self.differentiate_as::<f16>(x, even(gradient), norms),
            _ => self.differentiate_as::<f32>(x, even(gradient), norms),
        }
    }

    /// As [`Tiled::differentiate`], for tensors of F.
    fn differentiate_as<F: Float>(
        &self,
        x: &CubeTensor,
        gradient: CubeTensor,
        norms: &CubeTensor,
    ) -> CubeTensor {
        let (form, dx) = (self.backward, empty(x, [size(x, 0), size(x, 1)]));
        let Launch { tiles, grid: Grid { count, dim } } = Launch::new(&self.queries, x, form);
        differentiate_query_tiles::launch::<F>(
            &x.client,
            count,
            dim,
            form.form.vector(),
            x.clone().into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            norms.clone().into_tensor_arg(),
            tiles.into_tensor_arg(),
            dx.clone().into_tensor_arg(),
            form,
        );
        let Launch { tiles, grid: Grid { count, dim } } = Launch::new(&self.keys, x, form);
        differentiate_key_tiles::launch::<F>(
            &x.client,
            count,
            dim,
            form.form.vector(),
            x.clone().into_tensor_arg(),
            gradient.into_tensor_arg(),
            norms.clone().into_tensor_arg(),
            tiles.into_tensor_arg(),
            dx.clone().into_tensor_arg(),
            form,
        );
        dx
    }
}

/// Tiles on the GPU, and one cube for each and each kv head.
struct Launch {
    tiles: CubeTensor,
    grid: Grid,
}

impl Launch {
    fn new(spans: &[Span], like: &CubeTensor, form: TiledForm) -> Self {
        let cubes = spans.len() * form.kv_heads;
        let grid = Grid::cubes_of(&like.client, cubes, form.units() as u32);
        Self { tiles: upload(like, spans.as_flattened(), [spans.len(), 5]), grid }
    }
}

/// The gradient with rows that begin at multiples of a chunk.
fn even(gradient: CubeTensor) -> CubeTensor {
    let gradient = rows(gradient);
    let even = gradient.meta.strides()[0].is_multiple_of(CHUNK);
    if even { gradient } else { into_contiguous(gradient) }
}
