//! Transcripts: the events and commands of runs as JSON lines, and what can be done with them.
//!
//! ```text
//! {"run":{"id":..,"version":..,"sandbox":..,"tools":[..],"agent":{..}}}
//! {"event":{"type":"start",..}}
//! {"command":{"type":"ask-model",..},"prompt_sha256":".."}
//! {"event":{"type":"model",..}}
//! ```
//!
//! A file contains any number of runs, one after the other. Token counts and times are part of the events.
//!
//! | function | takes -> gives |
//! |---|---|
//! | [`replay`] | a transcript -> the same commands again, byte for byte, or the first difference |
//! | [`check_tools`] | a transcript, tools -> the calls whose results have changed |
//! | [`diff`] | two transcripts -> where their runs differ, apart from times |
//! | [`export`] | a transcript -> Markdown, HTML, or samples for fine-tuning |
//! | [`import_lagent`] | a recording of lagent 0.2.4 -> a transcript |
//!
//! [`Trail`] writes a transcript line by line, and [`Resumed`] continues the run of one that was cut anywhere.

mod diff;
mod export;
mod import;
mod live_tools;
mod reading;
mod recorder;
mod replay;
mod resumed;
mod secrets;
mod trail;
mod transcript_file;

pub use diff::{Difference, diff};
pub use export::{ExportFormat, export};
pub use import::import_lagent;
pub use live_tools::{ChangedResult, Checked, check_tools};
pub use reading::{Recorded, RecordedRun, read_transcript};
pub use recorder::{Header, Recorder};
pub use replay::{Replayed, replay};
pub use resumed::{Resumed, UncertainCall};
pub use secrets::Secrets;
pub use trail::Trail;
pub use transcript_file::TranscriptFile;
