//! AdamW and the global-norm clip on plain f32 slices: one pass over (p, g, m, v), fixed-order sums.

mod adamw;
mod config;
mod norm;

pub use adamw::{AdamW, Moments};
pub use config::{Decay, OptimConfig};
pub use norm::{clip_scale, squared_norm};
