//! Measurements: how fast a server answers many requests at the same time, and what its executor reaches alone.

mod generation;
mod report;
mod serving;

pub(crate) use generation::{DecodeLoad, GenerationBench, GenerationResult};
pub(crate) use report::{Percentiles, ServingReport};
pub(crate) use serving::serving;
