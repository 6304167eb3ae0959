//! 256-bit kernels: AVX2 (`vpmaddubsw`) and AVX-VNNI (`vpdpbusd`), on the tiles of AVX-512 as two halves of 8 outputs.

mod blocks;
mod dispatch;
mod floats;
mod tile;

pub(super) use dispatch::{blocks, blocks_vnni, floats};
