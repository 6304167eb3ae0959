//! A whole pre-training run from one TOML: what the binary does, as a library.

mod config;
mod export;
mod run;
mod summary;

pub use config::{DataConfig, PretrainConfig, RunSection};
pub use export::export;
pub use run::{PretrainReport, pretrain};
pub use summary::Summary;
