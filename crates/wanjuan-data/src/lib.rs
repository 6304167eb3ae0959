//! Turns raw web pages into clean, deduplicated text and token shards for pre-training language models: the data
//! side of WanJuan, in Rust.
//!
//! For people who prepare a corpus: give it a folder of HTML pages or Common Crawl archives and a list of stages, and
//! get text, a tokenizer, InternEvo shards, and a report of where every single document went. It is also a set of parts
//! to use alone: an archive reader, a main-text extractor, filters, a reader of fastText models, shards.
//!
//! A pipeline is a chain of [`Stage`]s (one document at a time) and [`Pass`]es (the whole corpus). Both only decide:
//! keep, or drop with a [`Reason`]. The [`executor`] does the rest: threads, counting, resuming.
//!
//! ```
//! use internlm_kit::context::RunContext;
//! use wanjuan_data::executor::{Corpus, RunOptions, run};
//! use wanjuan_data::filter::GopherQualityConfig;
//! use wanjuan_data::tokenize::TokenizeConfig;
//! use wanjuan_data::{ImportConfig, PipelineConfig, StageConfig};
//!
//! # let folder = tempfile::tempdir()?;
//! # let (pages, output) = (folder.path().join("pages"), folder.path().join("out"));
//! # std::fs::create_dir(&pages)?;
//! // Four pages, of which one is too short to be of use.
//! for (name, times) in [("a", 20), ("b", 30), ("c", 40), ("short", 1)] {
//!     let text = format!("The tide of harbor {name} turns with the moon. ").repeat(times);
//!     std::fs::write(pages.join(format!("{name}.html")), format!("<nav>Home</nav><p>{text}</p>"))?;
//! }
//! let config = PipelineConfig::new(&output, ImportConfig::folder(&pages, "demo"))
//!     .with_stages([StageConfig::GopherQuality(GopherQualityConfig::default())])
//!     .with_tokenize(TokenizeConfig::default().with_vocab_size(300));
//! let outcome = run(&config, &Corpus::pages(&pages), RunOptions::default(), &RunContext::default())?;
//!
//! assert_eq!(outcome.funnel.documents_in(), 4);
//! assert_eq!(outcome.funnel.stages[2].dropped["too-few-words"].documents, 1);
//! assert!(output.join("shards/train").is_dir() && output.join("tokenizer").is_dir());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [`RunContext`](internlm_kit::context::RunContext) says where progress is shown and when to stop; the default
//! one reports nothing and never stops. The same as a command is `wanjuan-data run 1-data.toml`; the TOML file holds a [`PipelineConfig`].
//!
//! | module | takes | gives |
//! |---|---|---|
//! | [`executor`] | a [`PipelineConfig`], pages or archives | shards, tokenizer, funnel; resumes a killed run |
//! | [`read`] | WARC and ARC, plain or in gzip, zstd, lz4; damaged too | records, HTTP payloads, [`Document`]s |
//! | [`extract`] | the bytes of a page | main text as plain text or markdown, metadata |
//! | [`normalize`] | text | text with one spelling for characters that look the same |
//! | [`language`], [`fasttext`] | text | a language code, a label with its probability |
//! | [`filter`] | text | keep, or the rule that failed: Gopher, C4, FineWeb, RefinedWeb, InternLM2 |
//! | [`dedup`] | all documents | which to drop: exact and near duplicates, shared lines |
//! | [`tokenize`] | clean documents | train and held-out token shards, baselines |
//! | [`shard`] | token ids | InternEvo's `.bin` and `.bin.meta`, random access |
//! | [`report`] | the folder of a run | the funnel, and why a document was dropped |
//!
//! With `default-features = false, features = ["shard"]` the crate only reads and writes shards and has few
//! dependencies; this is what training uses. The feature `cli` (default) adds the binary, `pipeline` everything else.

/// Runs the example of the README.
#[cfg(all(doctest, feature = "pipeline"))]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

#[cfg(feature = "pipeline")]
mod artifact;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "pipeline")]
mod config;
#[cfg(feature = "pipeline")]
mod corpus_pass;
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
#[cfg(feature = "pipeline")]
pub mod normalize;
#[cfg(feature = "pipeline")]
mod part_report;
#[cfg(feature = "pipeline")]
pub mod read;
#[cfg(feature = "pipeline")]
mod rejected;
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
