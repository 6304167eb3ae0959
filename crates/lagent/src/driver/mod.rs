//! Drivers: they carry out the commands of a run and report what happened as events.

mod blocking;
mod ending;
mod live;
mod tool_access;
mod watcher;

pub use blocking::drive_blocking;
pub use ending::Ending;
pub use live::{World, drive};
pub use tool_access::ToolAccess;
pub use watcher::{Decision, Silent, Watcher};
