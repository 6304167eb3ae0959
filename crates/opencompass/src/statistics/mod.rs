//! How sure a score is: Wilson's interval, the percentile bootstrap over clusters, and the paired bootstrap between two
//! models.
//!
//! Resampling draws from [`internlm_kit::rng::CounterRng`], so an interval is a pure function of the items.

mod bootstrap;
mod paired;
mod sample;
mod wilson;

pub use bootstrap::{Bootstrap, Interval};
pub use paired::PairedTest;
pub use sample::Sample;
pub(crate) use sample::agree;
pub use wilson::wilson;
