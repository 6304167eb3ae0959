//! Pre-training of InternLM2-family models on packed rows: token shards to a checkpoint.
//!
//! The loop, the data order, the optimizer, the checkpoints and the metrics are ours; tensors and autodiff are
//! Burn's; the model is [`internlm_model`]'s. Three properties carry everything: the batch of a step is a pure
//! function of the step, every sum has a fixed order, and a checkpoint appears whole or not at all. So a run
//! that is killed at any moment ends with the same bits as one that is not, on any number of threads.
//!
//! | module | what |
//! |---|---|
//! | [`batch`] | [`Row`], [`RowSource`], packing of InternEvo shards, the sampler |
//! | [`Trainer`] | one step: forward, backward, clip, AdamW; [`Trainer::fit`] is the loop around it |
//! | [`optim`], [`Schedule`] | AdamW in one pass, global-norm clip, warm-up and cosine |
//! | [`checkpoint`] | atomic folders that open as Hugging Face models, exact resume |
//! | [`pretrain`] | a whole run from one TOML: what the binary does |
//! | [`parallel`] | [`parallel::Collective`]: the seam for runs of many ranks |
//!
//! Fine-tuning builds on the same loop: freeze what shall not learn, implement [`RowSource`], call
//! [`Trainer::fit`] with [`Hooks`] of its own.

pub mod batch;
pub mod bench;
pub mod checkpoint;
#[cfg(feature = "cli")]
pub mod cli;
mod error;
mod fit;
pub mod flops;
pub mod metrics;
pub mod optim;
pub mod parallel;
pub mod parameters;
pub mod plan;
pub mod pretrain;
pub mod report;
mod resume;
mod schedule;
mod trainer;
mod validation;

pub use batch::{Row, RowSource};
pub use checkpoint::{CheckpointConfig, Resume};
pub use error::{Error, Result};
pub use fit::{Hooks, RunConfig};
pub use flops::Flops;
pub use metrics::MonitorConfig;
pub use optim::OptimConfig;
pub use report::{End, Evaluation, LossGradients, RunReport, StepOutcome, StepReport, StepTimes};
pub use schedule::{Schedule, ScheduleConfig};
pub use trainer::{Trainer, TrainerConfig, evaluate};
pub use validation::{ValidationConfig, ValidationSet};
