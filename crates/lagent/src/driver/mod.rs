//! Drivers: they do what a run asks for and tell it what happened.

mod blocking;
mod ending;
mod live;
mod watcher;

pub use blocking::drive_blocking;
pub use ending::Ending;
pub use live::{World, drive};
pub use watcher::{Decision, Silent, Watcher};
