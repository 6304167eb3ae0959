//! Products of 16x16x16 tiles on tensor cores, as building blocks of kernels, and the same index logic without them.
//!
//! A plane of 32 units multiplies with `mma.sync.m16n8k16`: every unit holds some numbers of each matrix, its fragments,
//! which `ldmatrix` reads from tiles in shared memory. [`TileForm::Emulated`] executes the same loads, fragments and
//! pipeline in f32 through shared memory, on any device and for any size of its planes: tests of it on a CPU find
//! wrong indices in the kernels that only an NVIDIA GPU can run.

pub(super) mod coded;
mod form;
mod fragment;
pub(super) mod gemm;
mod plan;
mod scratch;
mod stage;
#[cfg(all(test, feature = "autodiff"))]
mod tests;

pub(super) use form::{CHUNK, LANES, TileForm};
pub(super) use fragment::{Registers, Stored, load, multiply, zeros};
pub(super) use gemm::TileRefusal;
pub(super) use scratch::{Scratch, quad_max, quad_sum};
pub(super) use stage::{commit, copy_chunk, pitch, wait};
