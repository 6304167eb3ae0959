//! The engine: a pure scheduler, executors that turn batches into logits, and the thread that drives both.
//!
//! The way of a request through the files, in order:
//!
//! 1. `handle`: [`EngineHandle::submit`] checks it, sends a `command` to the engine thread and returns a
//!    [`Generation`], which is the reader's end of a `mailbox`.
//! 2. `runner`: the engine thread takes a step after the other: schedule, execute, sample, commit, emit.
//! 3. `scheduler`, `plan`, `sequence`: [`Scheduler`] decides who computes what and who shares which blocks, as a pure
//!    state machine without tensors, threads, clock or channels; its answer is a [`Batch`].
//! 4. `executor`: an [`Executor`] turns the batch into [`Logits`].
//! 5. `active`: the rows of one request become its next id, text and scores.
//! 6. The scheduler confirms the id with an [`Event`], and the mailbox hands the [`Output`] to the reader.

mod active;
mod batch;
#[cfg(feature = "burn")]
mod burn_executor;
mod command;
mod compute_type;
mod engine_config;
mod event;
mod executor;
mod executor_config;
mod gauges;
mod generation;
mod handle;
mod histogram;
mod mailbox;
mod output;
mod plan;
mod request;
mod request_id;
#[cfg(any(feature = "burn", feature = "turbomind"))]
mod rotary_limit;
mod runner;
#[cfg(any(feature = "burn", feature = "turbomind"))]
mod same_shape;
mod scheduler;
mod scheduler_config;
mod sequence;
mod sleep;
mod thinking_budget;
mod timeline;
#[cfg(feature = "turbomind")]
mod turbomind_executor;

pub use batch::{Batch, LogitsDetail, LogitsWanted, SequencePart, StepResult};
#[cfg(feature = "burn")]
pub use burn_executor::BurnExecutor;
pub use compute_type::ComputeType;
pub use engine_config::EngineConfig;
pub use event::{CancelCause, End, EngineFault, Event, StopCause};
pub use executor::{Capacity, ExecuteError, Executor, Logits, Row, WeightLoader};
pub use executor_config::{ExecutorConfig, QuantPolicy};
pub use gauges::{Gauges, Health};
pub use generation::Generation;
pub use handle::{Engine, EngineHandle};
pub use histogram::HistogramSnapshot;
pub use output::{Finished, Output, Piece, Times};
pub use request::{GenerateRequest, Pooling, PromptLogits, Request};
pub use request_id::RequestId;
pub use scheduler::Scheduler;
pub use scheduler_config::{Rejected, SchedulerConfig, SchedulerStats};
pub use sleep::{SleepLevel, SleepPart};
pub use thinking_budget::ThinkingBudget;
#[cfg(feature = "turbomind")]
pub use turbomind_executor::TurbomindExecutor;

pub use crate::cache::{BlockCopy, BlockId, CacheSize};
pub use crate::decode::{
    Grammar, GrammarError, GrammarFactory, GrammarRules, GrammarSource, IdLogprob, LogitRules,
    RepeatedPattern, TokenScores,
};
