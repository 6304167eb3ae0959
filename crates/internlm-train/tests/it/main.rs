//! Behavior of the crate, through its public interface and its binary.

mod bad_input;
mod exit_codes;
mod finished;
mod fixture;
mod frozen;
mod golden;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod gpu;
mod guard;
mod help;
mod objectives;
mod packing;
mod properties;
mod ranks;
mod recipe;
mod recompute;
mod resume;
mod signals;
mod validation;
mod verbs;
