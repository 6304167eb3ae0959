//! Rules that keep or drop one document: language, Gopher, C4, FineWeb.
//!
//! Inside a rule set the first rule that fails is the reason. Thresholds are config; their defaults and
//! sources stand at the fields.

mod c4;
mod fineweb;
mod language;
mod quality;
mod repetition;
mod words;

pub use c4::{C4, C4Config, LineWhitespace};
pub use fineweb::{FineWeb, FineWebConfig};
pub use language::{Language, LanguageConfig};
pub use quality::{GopherQuality, GopherQualityConfig};
pub use repetition::{GopherRepetition, GopherRepetitionConfig, NGramLimit};
pub use words::{is_punctuation, words};
