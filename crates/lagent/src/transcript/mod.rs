//! Transcripts: the events and commands of runs as JSON lines, and their replay.
//!
//! ```text
//! {"run":{"id":..,"question":..,"version":..,"sandbox":..,"tools":[..],"agent":{..}}}
//! {"event":{"type":"start",..}}
//! {"command":{"type":"ask-model",..},"prompt_sha256":".."}
//! {"event":{"type":"model",..}}
//! ```
//!
//! A file contains any number of runs, one after the other. Token counts and times are part of the events.

mod recorder;
mod replay;

pub use recorder::{Header, Recorder};
pub use replay::{Replayed, replay};
