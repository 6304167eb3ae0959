//! AdamW and the global-norm clip on plain f32 slices: one pass over (p, g, m, v), fixed-order sums. The trainer runs
//! them on the host, or kernels of the same formulas where the parameters are.

mod adamw;
mod config;
mod device;
mod host;
mod norm;
mod optimizer;
mod update;

pub use adamw::{AdamW, Moments};
pub use config::{Decay, OptimConfig};
pub(crate) use host::step as step_on_host;
pub use norm::{clip_scale, squared_norm};
pub(crate) use optimizer::Optimizer;
pub(crate) use update::{Update, Updated};
