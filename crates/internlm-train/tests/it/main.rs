//! Behavior of the crate, through its public interface and its binary.

mod bad_input;
mod fixture;
mod golden;
mod packing;
mod recipe;
mod resume;
mod shared;
mod signals;
