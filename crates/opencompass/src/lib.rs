//! Evaluation of language models: run test sets against models, score them as published tables are scored,
//! and make every number explainable.
//!
//! ```text
//! dataset TOML + rows ──┐
//!                       ├─ plan (pure) ─ requests ─ run ─ answers ─ score (pure) ─ results ─ summary
//! model profile ────────┘                 │   item store, append only   │
//! ```
//!
//! - **Datasets are TOML** ([`dataset`]): where rows are, templates, inference mode, scorer. Embedded ones can
//!   be overridden by a user's folder. Templates follow OpenCompass 0.5.4 to the byte ([`prompt`]), so the
//!   version column of a table is upstream's prompt hash.
//! - **Models** ([`model`]) answer plain-data requests: a server with the OpenAI API, lmdeploy's engine in this
//!   process (feature `local`), or a rule for tests.
//! - **Everything asked is stored once** ([`Store`]) under the sha256 of model identity and request: a killed
//!   run goes on where it was, and results do not depend on the number of workers.
//! - **Scoring is pure** ([`score`], [`summary`]): scoring again needs no model.
//!
//! [`Evaluation`] puts the parts together; the binary adds the run file ([`RunConfig`]).
//!
//! ```toml
//! [run]
//! folder = "runs/tiny/evaluate"
//! datasets = ["heldout", "arithmetic"]
//! data-dirs = ["runs/tiny"]
//!
//! [model]
//! name = "tiny"
//! base-url = "http://127.0.0.1:23333"
//! ```

#[cfg(feature = "cli")]
pub mod cli;
mod config;
pub mod dataset;
mod error;
mod evaluation;
pub mod infer;
pub mod model;
pub mod output;
mod plan;
pub mod prompt;
mod run;
pub mod score;
mod store;
pub mod summary;
mod why;

pub use config::{RunConfig, RunSettings, Unsupported};
pub use error::{Error, Result};
pub use evaluation::{
    CellResult, CellState, Evaluation, check_refusals, load_datasets, run_folder, store_path,
};
pub use plan::{Cell, Plan, Work};
pub use run::{Failures, Stop, outcome, run};
pub use store::Store;
pub use why::why;
