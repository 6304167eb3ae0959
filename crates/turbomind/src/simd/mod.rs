//! The kernels, written once per instruction set: [`scalar`] is the readable definition, and the others give the same
//! bits on all paths with 8-bit activations.
//!
//! Two ways lead to an instruction set. Matrix products are written by hand for each one ([`Isa::blocks`] and
//! [`Isa::floats`] choose among `scalar`, `avx2/` and `avx512/`); everything else is written once over the sixteen floats
//! of `lanes/` and compiled for each.
#![allow(unsafe_code)]

pub(crate) mod attention;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx512;
mod dispatch;
mod isa;
pub(crate) mod lanes;
mod peak;
mod product;
mod quantize;
pub mod scalar;
pub(crate) mod vector;

pub use isa::Isa;
pub use peak::peak_gmac_s;
pub use product::{Blocks, BlocksFn, Floats, FloatsFn};
pub use quantize::quantize_row;
pub(crate) use quantize::{BlockSums, QuantizedBlock, quantize};
