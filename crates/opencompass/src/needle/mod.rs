//! NeedleBench: long texts with facts in them, made for the tokenizer of a model, and what comes out as a picture.
//!
//! [`generate()`] makes the questions of a [`NeedleConfig`] from the user's texts ([`NeedleSources`]); each document has
//! exactly as many tokens as asked for. The evaluators are `needle`, `needle_multi`, `needle_parallel` and `needle_atc`.
//! [`HeatMap`] draws the scores by length and depth. The sets of dataset files that are published have upstream's own
//! documents, which only come near to a number of tokens: loader `needle_set`.
//!
//! Prompts and relations are those of OpenCompass 0.5.4 `datasets/needlebench_v2` (Apache-2.0).

mod config;
mod count;
mod document;
mod font;
mod generate;
mod haystack;
mod heat_map;
mod load;
mod matrix;
mod picture;
mod published;
mod question;
mod ranks;
mod source_files;
mod sources;
mod story;
mod templates;
mod tokens;

pub use config::{Language, NeedleConfig, QuestionPosition, Task, TraceQuestion};
pub use document::Needle;
pub use generate::{NeedleRow, generate};
pub use haystack::Haystack;
pub use heat_map::HeatMap;
pub use load::load_rows;
pub use matrix::DepthMatrix;
pub use sources::{KnownNeedle, NeedleSources};

pub(crate) use published::{load_chains, load_published};
pub(crate) use source_files::{Number, SourceFiles};
pub(crate) use tokens::Tokens;
