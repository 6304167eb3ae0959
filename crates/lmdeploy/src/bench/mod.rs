//! Load tests: how fast a server answers many requests at the same time.

mod report;
mod serving;

pub(crate) use report::{Percentiles, ServingReport};
pub(crate) use serving::serving;
