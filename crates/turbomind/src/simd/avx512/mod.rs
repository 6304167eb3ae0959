//! AVX-512 with VNNI and BF16: 16 outputs per instruction.

mod blocks;
mod floats;
mod tiles;

pub(super) use blocks::blocks;
pub(super) use floats::floats;
