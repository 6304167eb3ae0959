//! Behavior of the crate.

mod kernels;
mod made;
