//! Launches the kernels of one layer: store, attend, combine; and copies of blocks.

use std::sync::OnceLock;

use burn::tensor::Tensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use super::combine::combine;
use super::form::PagedForm;
use super::forward::attend_pages;
use super::plan::{Plan, UploadedPlan};
use super::store::{copy_slots, store_slots};
use crate::kernels::block_tables::{BlockTables, KeyCopy, KeyLayout};
use crate::kernels::device::attention::plan::{SHARED, UNITS};
use crate::kernels::device::launch::{Grid, Refusal, empty, rows, size, upload};

/// What one layer works on besides its tensors.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) struct PagedCall<'a> {
    pub(in crate::kernels) layout: KeyLayout,
    pub(in crate::kernels) tables: &'a BlockTables,
    /// Made by the first layer of a step for all of them.
    pub(in crate::kernels) plan: &'a OnceLock<Box<UploadedPlan>>,
    pub(in crate::kernels) window: Option<usize>,
}

/// Stores the keys and values of the rotated projection in `cache`, in place, and attends with its queries; `None`,
/// reported in the log, for heads too wide for shared memory, of which nothing is stored.
pub(in crate::kernels) fn attend(
    rotated: &Tensor<2>,
    cache: &Tensor<2>,
    call: PagedCall<'_>,
) -> Option<Tensor<2>> {
    let form = form(call.layout, call.window)?;
    let (x, cache) = (rows(primitive(rotated)), in_place(cache));
    let plan = call.plan.get_or_init(|| {
        let plan = Plan::new(call.tables, call.layout.block_tokens, form.tile.rows);
        Box::new(plan.upload(&x))
    });
    store(&x, plan, &cache, form);
    let heads = call.layout.shape.heads;
    let out = empty(&x, [size(&x, 0), heads * form.tile.d]);
    if let Some(tiles) = &plan.tiles {
        visit([&x, &cache, &plan.tables, tiles], &out, form);
    }
    if let (Some(parts), Some(merges)) = (&plan.parts, &plan.merges) {
        let partial = empty(&x, [size(parts, 0), heads, form.tile.d + 2]);
        visit([&x, &cache, &plan.tables, parts], &partial, form.of_splits());
        let Grid { count, dim } = Grid::units(&x.client, size(merges, 0) * heads * form.tile.d);
        combine::launch(
            &x.client,
            count,
            dim,
            partial.into_tensor_arg(),
            merges.clone().into_tensor_arg(),
            out.clone().into_tensor_arg(),
            form.of_splits(),
        );
    }
    Some(Tensor::from_primitive::<CubeBackend>(out))
}

/// Copies the first slots of blocks to other blocks, in place; no block that is copied to is in another copy.
pub(in crate::kernels) fn copy(cache: &Tensor<2>, layout: KeyLayout, copies: &[KeyCopy]) -> Option<()> {
    let form = form(layout, None)?;
    let cache = in_place(cache);
    let numbers: Vec<u32> = copies.iter().flat_map(|copy| [copy.from, copy.to, copy.tokens]).collect();
    let copies = upload(&cache, &numbers, [copies.len(), 3]);
    let Grid { count, dim } = Grid::units(&cache.client, size(&copies, 0) * form.block_numbers());
    let client = cache.client.clone();
    copy_slots::launch(&client, count, dim, cache.into_tensor_arg(), copies.into_tensor_arg(), form);
    Some(())
}

fn form(layout: KeyLayout, window: Option<usize>) -> Option<PagedForm> {
    let form = PagedForm::new(layout, window, SHARED);
    if form.is_none() {
        let (shape, d) = (layout.shape, layout.head_dim);
        Refusal::Heads { heads: shape.heads, kv_heads: shape.kv_heads, d }.report();
    }
    form
}

fn primitive(tensor: &Tensor<2>) -> CubeTensor {
    tensor.clone().try_into_primitive::<CubeBackend>().expect("tensors of an inference step are on the GPU")
}

/// The memory of the cache itself: a copy would be written in vain.
fn in_place(cache: &Tensor<2>) -> CubeTensor {
    let cache = primitive(cache);
    let adjacent = cache.meta.strides()[1] == 1 && !cache.meta.is_tiled();
    assert!(adjacent, "the numbers of a block follow one another");
    cache
}

fn store(x: &CubeTensor, plan: &UploadedPlan, cache: &CubeTensor, form: PagedForm) {
    let numbers = size(x, 0) * 2 * form.tile.kv_heads * form.tile.d;
    let Grid { count, dim } = Grid::units(&x.client, numbers);
    store_slots::launch(
        &x.client,
        count,
        dim,
        x.clone().into_tensor_arg(),
        plan.slots.clone().into_tensor_arg(),
        cache.clone().into_tensor_arg(),
        form,
    );
}

/// One cube for each piece and kv head.
fn visit([x, cache, tables, pieces]: [&CubeTensor; 4], out: &CubeTensor, form: PagedForm) {
    let cubes = size(pieces, 0) * form.tile.kv_heads;
    let Grid { count, dim } = Grid::cubes_of(&x.client, cubes, UNITS as u32);
    attend_pages::launch(
        &x.client,
        count,
        dim,
        x.clone().into_tensor_arg(),
        cache.clone().into_tensor_arg(),
        tables.clone().into_tensor_arg(),
        pieces.clone().into_tensor_arg(),
        out.clone().into_tensor_arg(),
        form,
    );
}
