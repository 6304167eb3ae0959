//! The folder of a run, in upstream's layout.
//!
//! ```text
//! RUN/configs/run.toml                          the resolved run file with the hashes of data, prompts and models
//! RUN/store.jsonl                               every answer, one line each
//! RUN/predictions/MODEL/DATASET.json            prompts and answers
//! RUN/results/MODEL/DATASET.json                metrics, and a verdict per item
//! RUN/summary/summary_LABEL.{txt,csv,md,json}   the table
//! RUN/summary.json                              the numbers that `[flat-summary]` names
//! ```

mod explain;
mod folder;
mod json;
mod resolved;
mod results;

pub use folder::RunFolder;
pub use resolved::Reuse;
