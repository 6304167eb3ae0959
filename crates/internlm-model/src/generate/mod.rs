//! Reference generation: one sequence, a growing cache, ids or text as they come.
//!
//! This path is for checking and for small uses; many users are served by the deployment crate's engine.

mod generator;
mod stop;
mod text;

pub use generator::{Finish, GenerateConfig, Generator};
pub use stop::StopText;
pub use text::TextStream;
