//! Chinese answers as words with spaces between them, which the metrics of Chinese texts read.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::built_in;
use super::post_entry::PostEntry;
use super::python::{before, strip};
use crate::score::text::jieba::spaced;

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    // Upstream computes the normal form of `general` and then divides the text as it was.
    PostEntry::text("general_cn", &["general_cn_postprocess"], spaced),
    PostEntry::text("flores-chinese", &["flores_postprocess_chinese"], flores),
];

static SPACES: LazyLock<Regex> = LazyLock::new(|| built_in(r"[\s\x1c-\x1f]+"));

/// The words of the first line.
fn flores(text: &str) -> String {
    let line = SPACES.replace_all(before(strip(text), "\n"), " ");
    spaced(strip(&line))
}
