//! The 256-bit kernels by format, with the checks that their unsafe loops rely on.

use super::blocks::{MultiplyAdd, Vnni, multiply};
use super::tile::{Block32, Int4, Q6K, SuperBlock, Tile};
use crate::simd::isa::Isa;
use crate::simd::product::{Blocks, BlocksFn, Floats, FloatsFn, rows_of};
use crate::tile::{BLOCK, GROUP, TileFormat};

/// A table from formats to instances of one generic function.
macro_rules! integer_formats {
    ($format:expr, $kernel:ident) => {
        match $format {
            TileFormat::Q4_0 => Some($kernel::<Block32<4, false>>),
            TileFormat::Q4_1 => Some($kernel::<Block32<4, true>>),
            TileFormat::Q5_0 => Some($kernel::<Block32<5, false>>),
            TileFormat::Q5_1 => Some($kernel::<Block32<5, true>>),
            TileFormat::Q8_0 => Some($kernel::<Block32<8, false>>),
            TileFormat::Q4K => Some($kernel::<SuperBlock<4>>),
            TileFormat::Q5K => Some($kernel::<SuperBlock<5>>),
            TileFormat::Q6K => Some($kernel::<Q6K>),
            TileFormat::Int4 => Some($kernel::<Int4>),
            TileFormat::F32 | TileFormat::F16 | TileFormat::Bf16 => None,
        }
    };
}

/// Chooses the kernel for an integer format; `None` for float formats and on machines without AVX2.
pub(in crate::simd) fn blocks(format: TileFormat) -> Option<BlocksFn> {
    if !Isa::Avx2.is_available() {
        return None;
    }
    integer_formats!(format, multiply_avx2)
}

/// As [`blocks`], for machines with AVX-VNNI.
pub(in crate::simd) fn blocks_vnni(format: TileFormat) -> Option<BlocksFn> {
    if !Isa::AvxVnni.is_available() {
        return None;
    }
    integer_formats!(format, multiply_vnni)
}

/// Chooses the kernel for a float format; `None` for integer formats and on machines without AVX2.
pub(in crate::simd) fn floats(format: TileFormat) -> Option<FloatsFn> {
    if !Isa::Avx2.is_available() {
        return None;
    }
    match format {
        TileFormat::F32 => Some(multiply_floats::<super::floats::F32>),
        TileFormat::F16 => Some(multiply_floats::<super::floats::F16>),
        TileFormat::Bf16 => Some(multiply_floats::<super::floats::Bf16>),
        _ => None,
    }
}

fn multiply_avx2<T: Tile>(call: &Blocks<'_>, out: &mut [[f32; GROUP]]) {
    #[target_feature(enable = "avx2,fma,f16c")]
    fn run<T: Tile>(call: &Blocks<'_>, out: &mut [[f32; GROUP]]) {
        // SAFETY: the features are this function's; `check_blocks` was passed by the only caller.
        unsafe { multiply::<T, MultiplyAdd>(call, out) }
    }
    check_blocks(T::FORMAT, call, out);
    // SAFETY: `blocks` gives this function away only where the features are available.
    unsafe { run::<T>(call, out) }
}

fn multiply_vnni<T: Tile>(call: &Blocks<'_>, out: &mut [[f32; GROUP]]) {
    #[target_feature(enable = "avx2,fma,f16c,avxvnni")]
    fn run<T: Tile>(call: &Blocks<'_>, out: &mut [[f32; GROUP]]) {
        // SAFETY: the features are this function's; `check_blocks` was passed by the only caller.
        unsafe { multiply::<T, Vnni>(call, out) }
    }
    check_blocks(T::FORMAT, call, out);
    // SAFETY: `blocks_vnni` gives this function away only where the features are available.
    unsafe { run::<T>(call, out) }
}

fn multiply_floats<W: super::floats::Weights>(call: &Floats<'_>, out: &mut [[f32; GROUP]]) {
    #[target_feature(enable = "avx2,fma,f16c")]
    fn run<W: super::floats::Weights>(call: &Floats<'_>, out: &mut [[f32; GROUP]]) {
        // SAFETY: the features are this function's; the lengths were checked by the only caller.
        unsafe { super::floats::multiply::<W>(call, out) }
    }
    let rows = rows_of(call.groups, out).len();
    assert!(out.len() == rows * call.groups, "outputs of whole column groups");
    assert!(call.rows.len() >= rows * call.inputs, "activations of every row");
    assert!(call.tiles.len() >= call.groups * W::FORMAT.group_bytes(call.inputs), "records of every group");
    // SAFETY: `floats` gives this function away only where the features are available.
    unsafe { run::<W>(call, out) }
}

/// Checks the lengths that the unsafe loops rely on.
fn check_blocks(format: TileFormat, call: &Blocks<'_>, out: &[[f32; GROUP]]) {
    let (panel, rows) = (call.panel, rows_of(call.groups, out).len());
    let group_bytes = format.group_bytes(panel.blocks * BLOCK);
    assert!(out.len() == rows * call.groups, "outputs of whole column groups");
    assert!(call.first_row + rows <= panel.rows, "rows of the panel");
    assert!(panel.values.len() >= panel.rows * panel.blocks * BLOCK, "values of every block");
    assert!(panel.scales.len() >= panel.rows * panel.blocks, "scales of every block");
    assert!(call.tiles.len() >= call.groups * group_bytes, "records of every group");
}
