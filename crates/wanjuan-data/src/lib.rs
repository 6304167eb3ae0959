//! Raw web pages to clean text and InternEvo token shards: the data side of WanJuan in Rust.
//!
//! Pages go through a chain of [`Stage`]s (one document at a time) and [`Pass`]es (the whole corpus), both of
//! which only decide: keep, or drop with a [`Reason`]. The executor counts, so that the report says where every
//! document went.
//!
//! | module | does |
//! |---|---|
//! | [`read`] | WARC and ARC (plain, gzip, zstd, lz4; damage costs only the member it hits; in parts), HTTP payloads, folders of pages, jsonl |
//! | [`extract`] | charset, parsing into an arena, main text, metadata |
//! | [`normalize`], [`filter`] | characters; language, Gopher, C4, FineWeb, RefinedWeb, InternLM2's families |
//! | [`language`], [`fasttext`] | language identification; reader of fastText's models |
//! | [`dedup`] | exact, MinHash-LSH with exact verification, lines that many documents share |
//! | [`tokenize`], [`shard`] | BPE training, InternEvo's `.bin` and `.bin.meta`, held-out split, baselines |
//! | [`executor`], [`report`] | threads, counting, resume; funnel, summary, `why` |
//!
//! A whole run from a config, as `wanjuan-data run 1-data.toml` does it:
//!
//! ```no_run
//! use wanjuan_data::executor::{Corpus, RunOptions, run};
//! use wanjuan_data::PipelineConfig;
//!
//! let config: PipelineConfig = internlm_kit::config::load("1-data.toml".as_ref())?;
//! let corpus = Corpus::Pages { root: "pages".into(), select: vec![], exclude: vec![] };
//! let outcome = run(&config, &corpus, RunOptions::default())?;
//! println!("{}", outcome.funnel.to_text());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `shard` alone the crate is small and only reads and writes shards, for training.

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "pipeline")]
mod config;
#[cfg(feature = "pipeline")]
pub mod dedup;
#[cfg(feature = "pipeline")]
mod document;
mod error;
#[cfg(feature = "pipeline")]
pub mod executor;
#[cfg(feature = "pipeline")]
pub mod extract;
#[cfg(feature = "pipeline")]
pub mod fasttext;
#[cfg(feature = "pipeline")]
pub mod filter;
#[cfg(feature = "pipeline")]
mod jsonl;
#[cfg(feature = "pipeline")]
pub mod language;
#[cfg(feature = "shard")]
mod listing;
#[cfg(feature = "shard")]
mod mmap;
#[cfg(feature = "pipeline")]
pub mod normalize;
#[cfg(feature = "pipeline")]
pub mod read;
#[cfg(feature = "pipeline")]
pub mod report;
#[cfg(feature = "pipeline")]
mod run_folder;
#[cfg(feature = "shard")]
pub mod shard;
#[cfg(feature = "pipeline")]
mod stage;
#[cfg(feature = "pipeline")]
mod stage_table;
#[cfg(feature = "pipeline")]
pub mod tokenize;

#[cfg(feature = "pipeline")]
pub use config::{FallbackConfig, ImportConfig, ImportSource, PipelineConfig};
#[cfg(feature = "pipeline")]
pub use document::{Capture, Document, Recency, Source, document_id};
pub use error::{Error, Result};
#[cfg(feature = "pipeline")]
pub use stage::{Bound, Duplicate, Pass, Reason, Stage, Verdict};
#[cfg(feature = "pipeline")]
pub use stage_table::StageConfig;
