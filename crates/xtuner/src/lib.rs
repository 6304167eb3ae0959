//! Fine-tuning of InternLM2-family models: conversations to a tuned model or an adapter.
//!
//! The step loop, optimizer, checkpoints and metrics are [`internlm_train`]'s, the decoder and its low-rank layers
//! [`internlm_model`]'s. Here is what fine-tuning adds:
//!
//! | module | takes -> gives |
//! |---|---|
//! | [`dataset`] | OpenAI messages -> ids with loss on the assistant's part -> packed rows |
//! | [`lora`] | decoder -> decoder whose adapters learn; PEFT files; merging |
//! | [`finetune`] | a config -> `adapter/`, `hf/`, `metrics.jsonl`, `summary.json`; resumes bit for bit |
//! | [`generator`] | a seed -> the conversations and held-out questions of the tiny recipe |
//! | [`exactness`] | a tuned model and questions -> how many calls and answers are exact |
//!
//! ```no_run
//! use std::path::Path;
//! use internlm_train::Resume;
//! use xtuner::{FinetuneConfig, finetune};
//!
//! let config: FinetuneConfig =
//!     internlm_kit::config::load_with(Path::new("recipes/tiny/3-finetune.toml"), &["lora.rank=16".to_owned()])?;
//! let report = finetune(&config, Resume::Auto, Default::default())?;
//! println!("{:?}", report.summary);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "cli")]
pub mod cli;
mod config;
pub mod dataset;
mod error;
pub mod exactness;
mod export;
pub mod generator;
pub mod lora;
mod sft;
mod summary;

pub use config::{
    DatasetSection, FinetuneConfig, Method, ModelSection, RunSection, ScheduleSection, TestSection,
};
pub use error::{Error, Result};
pub use export::export_model;
pub use sft::{Dataset, FinetuneReport, finetune, hf_folder, load_dataset};
pub use summary::Summary;
