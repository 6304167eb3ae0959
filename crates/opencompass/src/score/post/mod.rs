//! Post-processors: text -> text, with the names and results of OpenCompass, quirks included.

mod capital;
mod first_option;
mod number;
mod pattern;
mod processor;
mod reasoning;
mod repaired_option;
mod text;

pub use processor::Post;
pub use text::general;
