//! Behavior of the crate, through its public interface and its binary.

mod bad_input;
mod fixture;
mod frozen;
mod golden;
mod guard;
mod packing;
mod recipe;
mod resume;
mod shared;
mod signals;
