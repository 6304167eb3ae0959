//! [`Scratch`]: memory through which units see each other's numbers where a plane of 32 does not exist.

use cubecl::prelude::*;

use super::form::TileForm;

/// Numbers of the left operand of one instruction, and of the right ones of two.
pub(super) const OPERAND: usize = 16 * 16;

/// Shared memory of [`TileForm::Emulated`]; planes are consecutive units.
#[derive(CubeType)]
pub(in crate::kernels::device) struct Scratch {
    /// `[planes, 16, 16]`: the left operands.
    pub(super) left: Shared<[f32]>,
    /// `[planes, 16, 16]`: the right operands.
    pub(super) right: Shared<[f32]>,
}

#[cube]
impl Scratch {
    /// Memory for a cube of `planes` planes.
    pub(in crate::kernels::device) fn new(#[comptime] planes: usize, #[comptime] form: TileForm) -> Scratch {
        let used = comptime!(if form == TileForm::Emulated { planes } else { 0 });
        Scratch {
            left: Shared::<[f32]>::new_slice(comptime!((used * OPERAND).max(1))),
            right: Shared::<[f32]>::new_slice(comptime!((used * OPERAND).max(1))),
        }
    }
}

/// The largest number of four neighboring units, which hold one row of a fragment of sums.
#[cube]
pub(in crate::kernels::device) fn quad_max(
    value: f32,
    scratch: &mut Scratch,
    #[comptime] form: TileForm,
) -> f32 {
    let mut largest = value;
    if comptime!(form == TileForm::Mma) {
        largest = max(largest, plane_shuffle_xor(largest, 1u32));
        largest = max(largest, plane_shuffle_xor(largest, 2u32));
    } else {
        let unit = UNIT_POS as usize;
        scratch.left[unit] = value;
        sync_cube();
        let first = unit / 4 * 4;
        largest = max(
            max(scratch.left[first], scratch.left[first + 1]),
            max(scratch.left[first + 2], scratch.left[first + 3]),
        );
        sync_cube();
    }
    largest
}

/// The sum over four neighboring units, in an order that is the same for all of them.
#[cube]
pub(in crate::kernels::device) fn quad_sum(
    value: f32,
    scratch: &mut Scratch,
    #[comptime] form: TileForm,
) -> f32 {
    let mut sum = value;
    if comptime!(form == TileForm::Mma) {
        sum += plane_shuffle_xor(sum, 1u32);
        sum += plane_shuffle_xor(sum, 2u32);
    } else {
        let unit = UNIT_POS as usize;
        scratch.left[unit] = value;
        sync_cube();
        let first = unit / 4 * 4;
        let pair = scratch.left[first] + scratch.left[first + 1];
        sum = pair + (scratch.left[first + 2] + scratch.left[first + 3]);
        sync_cube();
    }
    sum
}
