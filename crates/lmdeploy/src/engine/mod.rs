//! The engine: a pure scheduler, executors that turn batches into logits, and the thread that drives both.
//!
//! Reading order: [`Request`] -> [`Scheduler`] (no tensors, threads, clock or channels) -> [`Batch`] ->
//! [`Executor`] -> [`Engine`], whose step is schedule, execute, sample, commit, emit.

mod batch;
#[cfg(feature = "burn")]
mod burn_executor;
mod event;
mod executor;
mod executor_config;
mod gauges;
mod handle;
mod mailbox;
mod output;
mod parts;
mod plan;
mod request;
mod runner;
mod scheduler;
mod scheduler_config;
mod sequence;
#[cfg(feature = "turbomind")]
mod turbomind_executor;

pub use batch::{Batch, LogitsWanted, RowsWanted, SeqStep, StepResult};
#[cfg(feature = "burn")]
pub use burn_executor::BurnExecutor;
pub use event::{CancelCause, End, EngineFault, Event, StopCause};
pub use executor::{Capacity, ExecuteError, Executor, Logits, Row};
pub use executor_config::{ExecutorConfig, QuantPolicy};
pub use gauges::{Gauges, Health};
pub use handle::{Engine, EngineConfig, EngineHandle};
pub use mailbox::{Finished, Generation, Output, Piece};
pub use request::{GenerateRequest, PromptLogits, Request, RequestId};
pub use scheduler::Scheduler;
pub use scheduler_config::{Rejected, SchedulerConfig, SchedulerStats};
#[cfg(feature = "turbomind")]
pub use turbomind_executor::TurbomindExecutor;
