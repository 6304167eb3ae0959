//! Speed of training at fixed shapes: whole steps, and the kernels that take most of their time.

mod kernel;
mod median;
mod shape;
mod step;

pub use kernel::{AttentionShape, KernelBench, KernelResult, ProductShape};
pub use shape::{BenchShape, SHAPES};
pub use step::{BenchResult, StepBench};
