//! In place of CubeCL's CUDA runtime: devices without memory and without a driver that write down, as CUDA C++, the
//! kernels that they are asked to launch.
//!
//! The crate has the name and the entry points of `cubecl-cuda` 0.11.3, so that everything above it runs unchanged
//! with the feature `cuda`. What a program does on `cuda:0` is compiled for the first [`Architecture`], what it does
//! on `cuda:1` for the second. Reading a tensor gives zeros.

mod architecture;
mod launched;
mod runtime;
mod server;

pub use architecture::Architecture;
pub use cubecl_server::device::CudaDevice;
pub use launched::{Launched, Text};
pub use runtime::{CudaRuntime, record};
