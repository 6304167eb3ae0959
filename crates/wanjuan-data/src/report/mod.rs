//! Where every document went: the retention funnel, the numbers of a run, the way of one document.

mod finished;
mod funnel;
mod why;

pub(crate) use finished::finish;
pub use finished::{Finished, Summary};
pub use funnel::Funnel;
pub use why::{Trace, ids_at, why};
