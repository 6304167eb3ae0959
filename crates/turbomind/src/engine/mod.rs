//! [`Engine`]: a loaded model with its threads and its pool of keys and values; one forward pass at a time.
//!
//! `forward` is one job of the thread pool. `check` refuses impossible steps before anything is written, `buffers` holds
//! the numbers of a pass and is allocated once, and `pass` is the function that every thread runs.

mod buffers;
mod check;
mod config;
mod forward;
mod pass;
mod step;

pub use config::EngineConfig;
pub use forward::{Engine, MemoryReport};
pub use step::{LogitEntries, LogitRows, NonFinite, Outputs, SeqStep};
