//! Normalization of characters, before rules look at them: one spelling for what looks the same.

mod characters;
mod config;

pub use characters::{NormalizeCharacters, normalize_characters};
pub use config::{FullWidth, NormalizeConfig, Removal, Replacement, UnicodeForm};
