//! Ranks: the trait that everything above is written against, and the engine of one process.

mod collective;

pub use collective::{Collective, Single};
