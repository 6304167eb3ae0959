//! A whole pre-training run from one TOML: what the binary does, as a library.

mod config;
mod export;
mod init;
mod run;
mod summary;

pub use config::{DataConfig, PretrainConfig, RunConfig};
pub use export::export;
pub use init::InitConfig;
pub use run::{PretrainReport, pretrain};
