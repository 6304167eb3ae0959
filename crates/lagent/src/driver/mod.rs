//! Drivers: they carry out the commands of a run and report what happened as events.

mod asked;
mod blocking;
mod call_results;
mod ending;
mod live;
mod tool_access;
mod tool_call;
mod watcher;

pub(crate) use asked::Asked;
pub use blocking::drive_blocking;
pub use call_results::CallResults;
pub use ending::Ending;
pub use live::{World, drive};
pub use tool_access::ToolAccess;
pub(crate) use tool_call::{Wanted, call_tool};
pub use watcher::{Decision, Silent, Watcher};
