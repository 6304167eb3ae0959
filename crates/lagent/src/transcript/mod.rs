//! Transcripts: every event and command of a run as JSON lines, and their replay.
//!
//! ```text
//! {"run":{"id":..,"question":..,"version":..,"sandbox":..,"tools":[..],"agent":{..}}}
//! {"event":{"type":"start",..}}
//! {"command":{"type":"ask-model",..},"prompt_sha256":".."}
//! {"event":{"type":"model",..}}
//! ```
//!
//! A file holds any number of runs, one after the other. Token counts and times are inside the events.

mod recorder;
mod replay;

pub use recorder::{Header, Recorder};
pub use replay::{Replayed, replay};
