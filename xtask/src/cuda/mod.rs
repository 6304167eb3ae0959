//! `cargo xtask cuda-setup` and `cuda-check`: building and checking device code for NVIDIA cards without one.

mod check;
mod functions;
mod llvm;
mod part;
mod setup;
mod wheels;

pub(crate) use check::{CudaCheckArguments, run as check};
pub(crate) use part::{Part, Places};
pub(crate) use setup::{CudaSetupArguments, run as setup};
