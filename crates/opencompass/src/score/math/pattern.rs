//! The regular expressions of this folder's own source.

use regex::Regex;

/// Compiles a pattern that is part of the source.
pub(in crate::score) fn built_in(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that compiles")
}
