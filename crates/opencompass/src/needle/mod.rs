//! NeedleBench: long texts with facts in them, made for the tokenizer of a model, and what comes out as a picture.
//!
//! [`generate()`] makes the questions of a [`NeedleConfig`] from the user's texts ([`NeedleSources`]); each document has
//! exactly as many tokens as asked for. The evaluators are `needle`, `needle_multi`, `needle_parallel` and `needle_atc`.
//! [`HeatMap`] draws the scores by length and depth.
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
mod sources;
mod story;
mod templates;

pub use config::{Language, NeedleConfig, QuestionPosition, Task, TraceQuestion};
pub use document::Needle;
pub use generate::{NeedleRow, generate};
pub use haystack::Haystack;
pub use heat_map::HeatMap;
pub use load::load_rows;
pub use matrix::DepthMatrix;
pub use sources::{KnownNeedle, NeedleSources};
