//! Partitioners: cut a run into tasks that can be carried out apart, as upstream's do. The results never depend on it.

mod cost;
mod partitioner;
mod restrict;
mod task;

pub use cost::SetSize;
pub use partitioner::{Partitioner, Strategy};
pub use restrict::restricted;
pub use task::TaskPart;
