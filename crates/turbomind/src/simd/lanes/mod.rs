//! Sixteen floats at a time, for kernels written once and compiled per instruction set.
//!
//! Every operation is one IEEE operation per lane (or an exact conversion), so a kernel over [`Lanes`] gives the same
//! bits on every instruction set. The implementation in plain Rust, `scalar`, is the definition of the others.

mod exp2;
mod ops;
mod run;
mod scalar;
#[cfg(test)]
mod tests;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86_avx2;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86_avx512;

pub(crate) use exp2::exp2;
pub(crate) use ops::{Kernel, LANES, Lanes, smallest};
