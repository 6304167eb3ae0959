//! Sums and maxima over the units of a cube, and over the rows of a matrix, always in the same order.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{Grid, UNITS, empty, rows, size};

/// The sum of one number per unit, the same for all units.
///
/// A tree in shared memory rather than plane operations: planes have 8 to 64 units, and the order of the additions
/// must not depend on the device.
#[cube]
pub(crate) fn cube_sum(value: f32) -> f32 {
    let mut parts = Shared::<[f32]>::new_slice(comptime!(UNITS as usize));
    let unit = UNIT_POS as usize;
    parts[unit] = value;
    sync_cube();
    let mut active = CUBE_DIM / 2;
    while active > 0 {
        if UNIT_POS < active {
            let other = parts[(UNIT_POS + active) as usize];
            parts[unit] += other;
        }
        sync_cube();
        active /= 2;
    }
    let sum = parts[0];
    // The next reduction of the same loop writes where others still read.
    sync_cube();
    sum
}

/// The largest of one number per unit, the same for all units.
#[cube]
pub(crate) fn cube_max(value: f32) -> f32 {
    let mut parts = Shared::<[f32]>::new_slice(comptime!(UNITS as usize));
    let unit = UNIT_POS as usize;
    parts[unit] = value;
    sync_cube();
    let mut active = CUBE_DIM / 2;
    while active > 0 {
        if UNIT_POS < active {
            let other = parts[(UNIT_POS + active) as usize];
            parts[unit] = max(parts[unit], other);
        }
        sync_cube();
        active /= 2;
    }
    let largest = parts[0];
    sync_cube();
    largest
}

/// The sum of the rows of a matrix in their order: the last step of a reduction over rows.
///
/// # Shapes
/// - partial: `[rows, width]`
/// - output: `[width]`
pub(crate) fn sum_rows(partial: CubeTensor) -> CubeTensor {
    let width = size(&partial, 1);
    let total = empty(&partial, [width]);
    let Grid { count, dim } = Grid::units(&partial.client, width);
    let client = partial.client.clone();
    add_rows::launch(&client, count, dim, partial.into_tensor_arg(), total.clone().into_tensor_arg());
    total
}

#[cube(launch)]
fn add_rows(partial: &Tensor<f32>, total: &mut Tensor<f32>) {
    let column = ABSOLUTE_POS;
    if column >= partial.shape(1) {
        terminate!();
    }
    let mut sum = f32::new(0.0);
    for row in 0..partial.shape(0) {
        sum += partial[row * partial.stride(0) + column];
    }
    total[column] = sum;
}

/// The sum of all numbers of a vector, `[1]`.
pub(crate) fn sum_numbers(numbers: CubeTensor) -> CubeTensor {
    let (numbers, client) = (rows(numbers.clone()), numbers.client);
    let sum = empty(&numbers, [1]);
    let Grid { count, dim } = Grid::cubes(&client, 1);
    add_numbers::launch(&client, count, dim, numbers.into_tensor_arg(), sum.clone().into_tensor_arg());
    sum
}

#[cube(launch)]
fn add_numbers(numbers: &Tensor<f32>, sum: &mut Tensor<f32>) {
    if CUBE_POS > 0 {
        terminate!();
    }
    let mut part = f32::new(0.0);
    for number in range_stepped(UNIT_POS as usize, numbers.shape(0), CUBE_DIM as usize) {
        part += numbers[number];
    }
    let total = cube_sum(part);
    if UNIT_POS == 0 {
        sum[0] = total;
    }
}
