//! Launches the kernels of one layer: store, attend, combine; and copies of blocks.

use std::sync::OnceLock;

use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::codes::store_codes;
use super::combine::combine;
use super::form::PagedForm;
use super::forward::attend_pages;
use super::hadamard::rotate_heads;
use super::plan::{Plan, UploadedPlan};
use super::store::{copy_slots, store_halves, store_slots};
use crate::kernels::block_tables::{BlockTables, KeyCopy, KeyFormat, KeyLayout};
use crate::kernels::device::attention::plan::{SHARED, UNITS};
use crate::kernels::device::launch::{Grid, Refusal, empty, from_primitive, primitive, rows, size, upload};

/// What one layer works on besides its tensors.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) struct PagedCall<'a> {
    pub(in crate::kernels) layout: KeyLayout,
    pub(in crate::kernels) tables: &'a BlockTables,
    /// Made by the first layer of a step for all of them.
    pub(in crate::kernels) plan: &'a OnceLock<Box<UploadedPlan>>,
    pub(in crate::kernels) window: Option<usize>,
}

/// Whether there are kernels for keys and values that are stored so.
pub(in crate::kernels) fn takes(layout: KeyLayout) -> bool {
    PagedForm::new(layout, None, SHARED).is_some()
}

/// Stores the keys and values of the rotated projection in `cache`, in place, and attends with its queries; `None`,
/// reported in the log, for heads too wide for shared memory, of which nothing is stored.
pub(in crate::kernels) fn attend(
    rotated: &Tensor<2>,
    cache: &CubeTensor,
    call: PagedCall<'_>,
) -> Option<Tensor<2>> {
    let form = form(call.layout, call.window)?;
    assert_in_place(cache);
    let x = turned(rows(primitive(rotated.clone())), call.layout);
    let plan = call.plan.get_or_init(|| {
        let plan = Plan::new(call.tables, call.layout.block_tokens, form.tile.rows);
        Box::new(plan.upload(&x))
    });
    store(&x, plan, cache, call.layout);
    let heads = call.layout.shape.heads;
    let out = empty(&x, [size(&x, 0), heads * form.tile.d]);
    if let Some(tiles) = &plan.tiles {
        visit([&x, cache, &plan.tables, tiles], &out, form);
    }
    if let (Some(parts), Some(merges)) = (&plan.parts, &plan.merges) {
        let partial = empty(&x, [size(parts, 0), heads, form.tile.d + 2]);
        visit([&x, cache, &plan.tables, parts], &partial, form.of_splits());
        let Grid { count, dim } = Grid::units(&x.client, size(merges, 0) * heads * form.tile.d);
        combine::launch(
            &x.client,
            count,
            dim,
            partial.into_tensor_arg(),
            merges.clone().into_tensor_arg(),
            out.clone().into_tensor_arg(),
            heads,
            form.tile.d,
        );
    }
    Some(from_primitive(turned(out, call.layout)))
}

/// Heads as they are stored and compared, or back again.
fn turned(x: CubeTensor, layout: KeyLayout) -> CubeTensor {
    match layout.format {
        KeyFormat::F32 | KeyFormat::Bf16 | KeyFormat::F16 | KeyFormat::Int8 => x,
        KeyFormat::Int4 => {
            let d = layout.head_dim;
            let (tokens, width) = (size(&x, 0), size(&x, 1));
            let out = empty(&x, [tokens, width]);
            let Grid { count, dim } = Grid::cubes_of(&x.client, tokens * width / d, d as u32);
            let client = x.client.clone();
            rotate_heads::launch(&client, count, dim, x.into_tensor_arg(), out.clone().into_tensor_arg(), d);
            out
        }
    }
}

/// Copies the first slots of blocks to other blocks, in place; no block that is copied to is in another copy.
pub(in crate::kernels) fn copy(cache: &CubeTensor, layout: KeyLayout, copies: &[KeyCopy]) -> Option<()> {
    form(layout, None)?;
    assert_in_place(cache);
    let numbers: Vec<u32> = copies.iter().flat_map(|copy| [copy.from, copy.to, copy.tokens]).collect();
    let copies = upload(cache, &numbers, [copies.len(), 3]);
    let Grid { count, dim } = Grid::units(&cache.client, size(&copies, 0) * layout.block_words());
    copy_slots::launch(
        &cache.client,
        count,
        dim,
        cache.clone().into_tensor_arg(),
        copies.into_tensor_arg(),
        layout,
    );
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

/// Kernels write to the memory of the cache itself: a copy with adjacent numbers would be written in vain.
fn assert_in_place(cache: &CubeTensor) {
    let adjacent = cache.meta.strides()[1] == 1 && !cache.meta.is_tiled();
    assert!(adjacent, "the numbers of a block follow one another");
}

fn store(x: &CubeTensor, plan: &UploadedPlan, cache: &CubeTensor, layout: KeyLayout) {
    let keys = size(x, 0) * 2 * layout.shape.kv_heads;
    let (x, slots, cache) = (x.clone(), plan.slots.clone(), cache.clone());
    let client = x.client.clone();
    match layout.format {
        KeyFormat::F32 => {
            let Grid { count, dim } = Grid::units(&client, keys * layout.head_dim);
            store_slots::launch(
                &client,
                count,
                dim,
                x.into_tensor_arg(),
                slots.into_tensor_arg(),
                cache.into_tensor_arg(),
                layout,
            );
        }
        KeyFormat::Bf16 | KeyFormat::F16 => {
            let Grid { count, dim } = Grid::units(&client, keys * layout.row_words());
            store_halves::launch(
                &client,
                count,
                dim,
                x.into_tensor_arg(),
                slots.into_tensor_arg(),
                cache.into_tensor_arg(),
                layout,
            );
        }
        KeyFormat::Int8 | KeyFormat::Int4 => {
            let Grid { count, dim } = Grid::cubes_of(&client, keys, layout.head_dim as u32);
            store_codes::launch(
                &client,
                count,
                dim,
                x.into_tensor_arg(),
                slots.into_tensor_arg(),
                cache.into_tensor_arg(),
                layout,
            );
        }
    }
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
