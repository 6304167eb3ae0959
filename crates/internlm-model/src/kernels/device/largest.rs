//! The largest entries of each row on a GPU, in order, without sorting or copying the row.
//!
//! Each unit of a cube watches a few entries of one part of a row and offers the largest; the best offer is taken, and its
//! unit offers its next one. A second kernel takes from the lists of the parts in the same way. Parts are consecutive,
//! so that equal entries stay in the order of their ids.

use burn::tensor::Tensor as BurnTensor;
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Grid, UNITS, empty, rows, size};

/// Smallest part of a row that is worth a cube, in entries.
const PART: usize = 2048;
/// The id of no entry.
const NONE: u32 = u32::MAX;

/// The `count` largest entries of each row, equal ones by id; NaN and negative infinity are left out.
///
/// # Shapes
/// - matrix: `[rows, width]`
/// - output: `[rows, 2 * count]`: id, value, id, value; ids are -1 where no entry is left
pub(in crate::kernels) fn apply(matrix: BurnTensor<2>, count: usize) -> BurnTensor<2> {
    let matrix = matrix.inner().try_into_primitive::<CubeBackend>();
    let matrix = rows(matrix.expect("kernels take tensors on GPUs only"));
    let (height, width) = (size(&matrix, 0), size(&matrix, 1));
    // A row has no more parts than a cube has units.
    let entries = PART.max(width.div_ceil(UNITS as usize));
    let parts = width.div_ceil(entries);
    let lists = empty(&matrix, [height, parts, 2 * count]);
    let client = matrix.client.clone();
    let Grid { count: cubes, dim } = Grid::cubes(&client, height * parts);
    let list_argument = lists.clone().into_tensor_arg();
    list_parts::launch(&client, cubes, dim, matrix.into_tensor_arg(), list_argument, entries, count);
    let merged = if parts == 1 { flat(lists, count) } else { merge(lists, count) };
    BurnTensor::from_primitive::<CubeBackend>(merged)
}

/// `[rows, 1, numbers]` as a matrix.
fn flat(mut lists: CubeTensor, count: usize) -> CubeTensor {
    *lists.meta = cubecl::zspace::metadata::Metadata::new([size(&lists, 0), 2 * count], [2 * count, 1]);
    lists
}

/// The best of the lists of each row.
fn merge(lists: CubeTensor, count: usize) -> CubeTensor {
    let merged = empty(&lists, [size(&lists, 0), 2 * count]);
    let client = lists.client.clone();
    let Grid { count: cubes, dim } = Grid::cubes(&client, size(&lists, 0));
    merge_lists::launch(
        &client,
        cubes,
        dim,
        lists.into_tensor_arg(),
        merged.clone().into_tensor_arg(),
        count,
    );
    merged
}

/// An entry of a row; no entry has the id [`NONE`].
#[derive(CubeType, Clone, Copy)]
#[expand(derive(Clone, Copy))]
struct Entry {
    id: u32,
    value: f32,
}

/// Whether an entry comes before another one: the larger, of equal ones that with the smaller id.
#[cube]
fn precedes(a: Entry, b: Entry) -> bool {
    a.id != NONE && (b.id == NONE || a.value > b.value || (a.value == b.value && a.id < b.id))
}

/// The first of the entries that the units offer, the same for all units.
#[cube]
fn first_offer(offer: Entry, ids: &mut Shared<[u32]>, values: &mut Shared<[f32]>) -> Entry {
    let unit = UNIT_POS as usize;
    ids[unit] = offer.id;
    values[unit] = offer.value;
    sync_cube();
    let mut active = CUBE_DIM / 2;
    while active > 0 {
        if UNIT_POS < active {
            let other = (UNIT_POS + active) as usize;
            let id = ids[other];
            let value = values[other];
            let own_id = ids[unit];
            let own_value = values[unit];
            if precedes(Entry { id, value }, Entry { id: own_id, value: own_value }) {
                ids[unit] = id;
                values[unit] = value;
            }
        }
        sync_cube();
        active /= 2;
    }
    let id = ids[0];
    let value = values[0];
    // The next offers are written where others still read.
    sync_cube();
    Entry { id, value }
}

/// The largest entry of this unit that comes after `last`; without an entry in `last`, of all of them.
#[cube]
fn next_of_unit(matrix: &Tensor<f32>, row: usize, from: usize, entries: usize, last: Entry) -> Entry {
    let end = min(from + entries, matrix.shape(1));
    let mut id = NONE.runtime();
    let mut value = f32::new(0.0);
    for column in range_stepped(from + UNIT_POS as usize, end, CUBE_DIM as usize) {
        let value_here = matrix[row * matrix.stride(0) + column];
        let entry = Entry { id: column as u32, value: value_here };
        // False for NaN and negative infinity.
        let counts = entry.value >= f32::min_value();
        if counts && (last.id == NONE || precedes(last, entry)) && precedes(entry, Entry { id, value }) {
            id = entry.id;
            value = entry.value;
        }
    }
    Entry { id, value }
}

/// Writes entry number `place` of a list.
#[cube]
fn write_entry(lists: &mut Tensor<f32>, list: usize, place: usize, entry: Entry) {
    if UNIT_POS == 0 {
        let mut id = f32::new(comptime!(-1.0));
        if entry.id != NONE {
            id = f32::cast_from(entry.id);
        }
        lists[list + 2 * place] = id;
        lists[list + 2 * place + 1] = entry.value;
    }
}

/// The list of each part of each row; one cube per part.
///
/// # Shapes
/// - matrix: `[rows, width]`
/// - lists: `[rows, parts, 2 * count]`
#[cube(launch)]
fn list_parts(matrix: &Tensor<f32>, lists: &mut Tensor<f32>, entries: usize, #[comptime] count: usize) {
    let (row, part) = (CUBE_POS / lists.shape(1), CUBE_POS % lists.shape(1));
    if row >= matrix.shape(0) {
        terminate!();
    }
    let mut ids = Shared::<[u32]>::new_slice(comptime!(UNITS as usize));
    let mut values = Shared::<[f32]>::new_slice(comptime!(UNITS as usize));
    let list = row * lists.stride(0) + part * lists.stride(1);
    let from = part * entries;
    let none = Entry { id: NONE.runtime(), value: f32::new(0.0) };
    let offer = next_of_unit(matrix, row, from, entries, none);
    let mut id = offer.id;
    let mut value = offer.value;
    for place in 0..count {
        let first = first_offer(Entry { id, value }, &mut ids, &mut values);
        write_entry(lists, list, place, first);
        if first.id == id && id != NONE {
            let next = next_of_unit(matrix, row, from, entries, first);
            id = next.id;
            value = next.value;
        }
    }
}

/// The entries of a list, of which `taken` are taken.
#[cube]
fn next_of_list(lists: &Tensor<f32>, row: usize, taken: usize, #[comptime] count: usize) -> Entry {
    let mut id = NONE.runtime();
    let mut value = f32::new(0.0);
    if (UNIT_POS as usize) < lists.shape(1) && taken < count {
        let at = row * lists.stride(0) + UNIT_POS as usize * lists.stride(1) + 2 * taken;
        if lists[at] >= f32::new(0.0) {
            id = u32::cast_from(lists[at]);
            value = lists[at + 1];
        }
    }
    Entry { id, value }
}

/// The first entries of all lists of a row; one cube per row, one unit per list.
///
/// # Shapes
/// - lists: `[rows, parts, 2 * count]`
/// - merged: `[rows, 2 * count]`
#[cube(launch)]
fn merge_lists(lists: &Tensor<f32>, merged: &mut Tensor<f32>, #[comptime] count: usize) {
    let row = CUBE_POS;
    if row >= merged.shape(0) {
        terminate!();
    }
    let mut ids = Shared::<[u32]>::new_slice(comptime!(UNITS as usize));
    let mut values = Shared::<[f32]>::new_slice(comptime!(UNITS as usize));
    let mut taken = 0usize;
    let offer = next_of_list(lists, row, taken, count);
    let mut id = offer.id;
    let mut value = offer.value;
    let list = row * merged.stride(0);
    for place in 0..count {
        let first = first_offer(Entry { id, value }, &mut ids, &mut values);
        write_entry(merged, list, place, first);
        if first.id == id && id != NONE {
            taken += 1;
            let next = next_of_list(lists, row, taken, count);
            id = next.id;
            value = next.value;
        }
    }
}

#[cfg(all(test, feature = "autodiff"))]
mod tests;
