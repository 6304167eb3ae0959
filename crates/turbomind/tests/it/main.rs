//! Behavior of the crate.

mod kernels;
mod made;
mod shared;
mod smollm2;
