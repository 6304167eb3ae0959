//! Where every document went: the retention funnel, the numbers of a run, the life of one document.

mod finished;
mod funnel;
mod why;

pub use finished::{Finished, Summary, finish};
pub use funnel::Funnel;
pub use why::{Life, why};
