//! Pre-training of language models of the InternLM2 family in pure Rust: token shards in, a checkpoint out.
//!
//! For people who want to train a small model on the machine in front of them and get the same bits every time, and
//! for programs that bring their own rows, as fine-tuning does. The loop, the data order, the optimizer, the
//! checkpoints and the metrics are this crate's; tensors and autodiff are Burn's; the model is [`internlm_model`]'s.
//!
//! Three properties carry everything: the batch of a step is a pure function of the step, every sum has a fixed order,
//! and a checkpoint appears whole or not at all. A run that is killed at any moment therefore ends with the same bits
//! as one that is not, on any number of threads.
//!
//! | module | takes -> gives |
//! |---|---|
//! | [`pretrain`](mod@pretrain) | a config, from TOML or code -> a trained, exported model: what the binary does |
//! | [`batch`] | InternEvo shards -> packed [`Row`]s in a seeded order; [`RowSource`] for rows of your own |
//! | [`Trainer`] | decoder, rows -> one optimizer step; [`Trainer::fit`] is the loop around it |
//! | [`Objective`] | numbers of the head -> a loss other than cross entropy and its derivative |
//! | [`optim`], [`Schedule`] | gradients -> AdamW in one pass, global-norm clip; step -> learning rate |
//! | [`checkpoint`] | trainer -> folders that open as Hugging Face models; folder -> exact resume |
//! | [`ValidationSet`] | held-out shards, decoder -> loss and bits per byte |
//! | [`Collective`] | gradients of several ranks -> their sum: for runs of more than one process |
//! | [`plan`], [`memory`], [`trace`], [`bench`](mod@bench), [`flops`] | config or shape -> cost before, memory and speed after |
//!
//! A tiny decoder learns a sequence; the whole loop, with checkpoints and metrics, is one call:
//!
//! ```
//! use burn::tensor::Device;
//! use internlm_model::{Decoder, ModelConfig, ModelSize, TokenId};
//! use internlm_train::{FitOptions, Result, Row, RowSource, Trainer, TrainerConfig};
//!
//! /// Counts to twenty, from another number in every step.
//! struct Counting;
//!
//! impl RowSource for Counting {
//!     fn batch(&mut self, step: u64) -> Result<Vec<Row>> {
//!         let first = (step % 12) as u32;
//!         Ok(vec![Row::sample(&std::array::from_fn::<_, 8, _>(|place| TokenId(first + place as u32)))])
//!     }
//!
//!     fn fingerprint(&self) -> String {
//!         "counting".to_owned()
//!     }
//!
//!     fn epoch(&self, step: u64) -> f64 {
//!         step as f64 / 12.0
//!     }
//! }
//!
//! let model = ModelConfig::new(ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 20 });
//! let decoder = Decoder::init(&model, 1, &Device::flex());
//! let mut trainer = Trainer::new(model, decoder, TrainerConfig::new(60, 1e-2))?;
//! let untrained = trainer.evaluate(&Counting.batch(0)?)?.loss();
//!
//! let folder = tempfile::tempdir()?;
//! trainer.fit(&mut Counting, &mut (), &FitOptions::new(folder.path()))?;
//! assert!(trainer.evaluate(&Counting.batch(0)?)?.loss() < 0.1 * untrained);
//! assert!(folder.path().join("checkpoints/step-60/model.safetensors").is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Fine-tuning builds on the same loop: freeze what should not learn, implement [`RowSource`], and call
//! [`Trainer::fit`] with [`Hooks`] of your own. Features: `cli` (default) builds the binary; `cuda` and `vulkan` add
//! devices.

mod base_weights;
pub mod batch;
pub mod bench;
pub mod checkpoint;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod collective;
mod config;
mod emulated_rank;
mod error;
mod fit;
pub mod flops;
mod gradients;
mod layers;
mod loss;
pub mod memory;
pub mod metrics;
mod objective;
pub mod optim;
pub mod parameters;
mod passes;
pub mod plan;
pub mod pretrain;
mod recompute;
pub mod report;
mod resume;
mod schedule;
mod start;
pub mod trace;
mod trainer;
mod validation;

pub use base_weights::BaseWeights;
pub use batch::{Row, RowSource};
pub use checkpoint::{CheckpointConfig, Resume};
pub use collective::{Collective, Single, Threads};
pub use config::TrainerConfig;
pub use error::{Error, Result};
pub use fit::{FitOptions, Hooks};
pub use flops::Flops;
pub use metrics::MonitorConfig;
pub use objective::{Head, Objective, Pass, PassLoss};
pub use optim::OptimConfig;
pub use passes::{evaluate, outputs};
pub use recompute::Recompute;
pub use report::{End, Evaluation, LossGradients, RunReport, StepOutcome, StepReport, StepTimes};
pub use schedule::{Schedule, ScheduleConfig};
pub use start::{Finished, Start};
pub use trainer::Trainer;
pub use validation::{Validation, ValidationConfig, ValidationSet};
