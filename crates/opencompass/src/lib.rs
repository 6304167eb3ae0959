//! Evaluation of language models, for everyone who publishes a score and has to be able to explain it.
//!
//! The crate re-implements OpenCompass: it runs test sets against models, scores the answers as published
//! tables are scored, and keeps every prompt, answer and verdict.
//!
//! ```text
//! dataset TOML + rows ──┐
//!                       ├─ plan (pure) ─ requests ─ ask ─ answers ─ score (pure) ─ results ─ summary
//! model profile ────────┘                  │   store, append only   │
//! ```
//!
//! | module | takes -> gives |
//! |---|---|
//! | [`dataset`] | a TOML file and the user's data files -> a dataset with its rows |
//! | [`import`] | a Python configuration of OpenCompass -> its datasets, without Python |
//! | [`prompt`] | a row and templates -> the exact text or messages, equal to OpenCompass 0.5.4 to the byte |
//! | [`model`] | a request -> an answer, from a server, from lmdeploy's engine in this process or from a rule |
//! | [`retrieve`] | rows, and vectors where a rule needs them -> the worked examples of every question |
//! | [`infer`] | a row -> its requests; their answers -> a prediction |
//! | [`plan`] | models and datasets -> everything that a run will ask |
//! | [`score`] | predictions -> metrics and a verdict per item |
//! | [`statistics`] | verdicts -> intervals and paired differences |
//! | [`summary`] | the results of all cells -> tables with groups |
//! | [`needle`] | the user's texts and a tokenizer -> needle sets of exact length; scores -> heat maps |
//! | [`partition`] | datasets and models -> tasks, for several processes |
//! | [`contamination`] | training texts and test sets -> which items were seen |
//! | [`report`] | runs -> one page to read |
//! | [`run_folder`] | results -> files in upstream's layout; files -> the explanation of one number |
//!
//! [`Evaluation`] puts the parts together; the binary adds the run file ([`EvaluationConfig`]). Every answer
//! is stored once ([`Store`]) under the sha256 of the model's identity and the request, so an interrupted run
//! resumes and results do not depend on the number of workers.
//!
//! ```
//! use opencompass::dataset::{Dataset, DatasetConfig};
//! use opencompass::model::{Answer, MockModel};
//! use opencompass::{Evaluation, Store};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let folder = tempfile::tempdir()?;
//! std::fs::write(folder.path().join("sums.jsonl"), r#"{"question": "1+1", "answer": "2"}"#)?;
//! let sums = DatasetConfig::parse(
//!     r#"
//!     name = "sums"
//!     source = { files = ["sums.jsonl"] }
//!     reader = { input = ["question"], output = "answer" }
//!     prompt = { rounds = [{ role = "HUMAN", prompt = "{question} =" }] }
//!     infer = { mode = "gen" }
//!     score = { evaluator = "number", post = ["last_number"] }
//!     "#,
//!     "sums.toml",
//! )?;
//! let model = MockModel::new("two", |_| Ok(Answer::text("It is 2.")));
//! let evaluation = Evaluation::new(vec![Dataset::load(sums, &[folder.path()])?], vec![Box::new(model)]);
//!
//! let plan = evaluation.plan(Default::default());
//! let mut store = Store::open(folder.path().join("store.jsonl"))?;
//! let failures = evaluation.ask(&plan, &mut store, 4, &Default::default()).await?;
//! let results = evaluation.conclude(&plan, &store, &failures)?;
//! assert_eq!(results[0].scores().expect("scored").metrics["accuracy"], 100.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "agent")]
pub mod agent;
mod ask;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod config;
pub mod contamination;
mod counted;
pub mod dataset;
mod error;
mod evaluation;
mod evidence;
#[cfg(feature = "sandbox")]
pub mod execute;
mod glob;
pub mod import;
pub mod infer;
pub mod model;
pub mod needle;
mod participants;
pub mod partition;
pub mod plan;
pub mod prompt;
mod random;
pub mod report;
mod result;
pub mod retrieve;
mod run_config;
pub mod run_folder;
pub mod score;
pub mod statistics;
mod store;
pub mod summary;

pub use ask::Failures;
pub use config::{CustomSetConfig, EvaluationConfig};
pub use error::{Error, Result};
pub use evaluation::{Evaluation, Part};
pub use evidence::Evidence;
pub use plan::Plan;
pub use result::{CellResult, CellState};
pub use run_config::{EvaluationRunConfig, Unsupported};
pub use run_folder::RunFolder;
pub use store::Store;
