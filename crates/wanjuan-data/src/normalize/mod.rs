//! Characters before rules: one spelling for what looks the same.

mod characters;

pub use characters::{NormalizeCharacters, normalize_characters};
