//! Fine-tuning of language models of the InternLM2 family in pure Rust: conversations in, a tuned model or an adapter
//! out.
//!
//! For people who want to teach a model a format or a skill on one machine: full tuning, or low-rank adapters in PEFT's
//! files. The step loop, optimizer, checkpoints and metrics are [`internlm_train`]'s, the decoder and its low-rank
//! layers [`internlm_model`]'s. This crate adds:
//!
//! | module | takes -> gives |
//! |---|---|
//! | [`finetune`] | a [`FinetuneConfig`] -> `adapter/`, `hf/`, `metrics.jsonl`, `summary.json`; resumes bit for bit |
//! | [`dataset`] | training sets of 22 formats -> ids with weights -> packed rows, mixed with pre-training text |
//! | [`template`] | messages -> ids and what of them is learned: the model's own template, or one of XTuner's |
//! | [`lora`] | decoder -> decoder whose adapters learn, over floats or packed weights; PEFT files; merging |
//! | [`preference`] | comparisons -> DPO, ORPO, KTO, SimPO and others |
//! | [`reward`] | comparisons -> a reward model, with a system prompt per domain |
//! | [`rl`] | prompts and rewards -> GRPO, PPO; scored answers; pairs to label |
//! | [`plan`] | a config -> parameters and memory before anything is allocated |
//! | [`catalog`] | a name -> a ready config |
//! | [`convert`] | checkpoints and adapters -> folders of other programs |
//! | [`report`](mod@report) | a run's metrics -> a page with plots |
//! | [`generator`] | a seed -> the conversations and held-out questions of the tiny recipe |
//! | [`exactness`] | a tuned model and questions -> how many calls and answers are exact |
//!
//! A run on a random model and one conversation; in a real run, `model.path` names a model folder of `internlm-train`
//! or one that was downloaded:
//!
//! ```
//! use internlm_kit::context::RunContext;
//! use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
//! use internlm_model::{Decoder, ModelConfig, ModelSize, device};
//! use xtuner::lora::LoraTuningConfig;
//! use xtuner::{BaseModelConfig, DatasetConfig, EpochScheduleConfig, FinetuneConfig, Method, OptimConfig};
//! use xtuner::{Resume, RunConfig};
//!
//! let folder = tempfile::tempdir()?;
//! let path = |name: &str| folder.path().join(name);
//! let model = ModelConfig::new(ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 320 });
//! Decoder::init(&model, 1, &device::parse("cpu")?).save(path("base"))?;
//! let bpe = BpeTrainConfig::new(320);
//! train_bpe(["Hi Hello!".to_owned()].into_iter(), &bpe)?.save(path("base"))?;
//! let hello = r#"{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}"#;
//! std::fs::write(path("conversations.jsonl"), hello)?;
//!
//! let base = BaseModelConfig::new(path("base"), Method::Lora);
//! let dataset = DatasetConfig::new([path("conversations.jsonl")]);
//! let config = FinetuneConfig::new(RunConfig::new(path("run")), base, dataset, OptimConfig::with_lr(1e-2))
//!     .with_lora(LoraTuningConfig::new(4, 16.0))
//!     .with_schedule(EpochScheduleConfig::default().with_steps(3));
//! let report = xtuner::finetune(&config, Resume::Auto, &RunContext::default())?;
//! assert!(report.summary.is_some() && path("run/adapter/adapter_model.safetensors").is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod catalog;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod config;
pub mod convert;
pub mod dataset;
mod empty_value;
mod error;
pub mod exactness;
mod export;
mod finetune_report;
pub mod generator;
mod json_rows;
pub mod lora;
pub mod plan;
pub mod preference;
pub mod report;
pub mod reward;
pub mod rl;
mod samples;
mod setup;
mod sft;
pub mod template;

pub use config::{
    BaseModelConfig, DatasetConfig, EpochScheduleConfig, FinetuneConfig, Method, ObjectiveConfig, RunConfig,
    SamplesConfig, SourceConfig, TestConfig,
};
pub use error::{Error, Result};
pub use export::export_model;
pub use finetune_report::FinetuneReport;
pub use internlm_kit::summary::Summary;
pub use internlm_train::{CheckpointConfig, Finished, MonitorConfig, OptimConfig, Resume, Start};
pub use sft::{Dataset, finetune, hf_folder, load_dataset};
