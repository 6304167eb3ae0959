//! Load tests: how a server behaves under many requests.

mod report;
mod serving;

pub use report::{Percentiles, ServingReport};
pub use serving::serving;
