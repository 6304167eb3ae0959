//! The post-processors by name.

use super::post::Apply;
use super::{number, option, plain};
use crate::dataset::{Named, nearest};
use crate::score::Reading;
use crate::{Error, Result};

/// A post-processor that dataset files can name.
#[derive(Clone, Copy, Debug)]
pub struct PostEntry {
    /// Name in dataset files, which is upstream's where upstream has one.
    pub name: &'static str,
    /// Names of upstream's functions that it replaces, without their modules, where they differ from `name`.
    pub upstream: &'static [&'static str],
    /// Whether the reading without the faults of OpenCompass differs.
    pub has_fixed: bool,
    /// Creates it; fails if its arguments do not fit.
    pub(crate) make: fn(&Named, Reading) -> Result<Apply>,
}

/// The tables of all files.
const TABLES: &[&[PostEntry]] = &[plain::ENTRIES, option::ENTRIES, number::ENTRIES];

/// Returns every post-processor.
pub fn post_processors() -> impl Iterator<Item = &'static PostEntry> {
    TABLES.iter().copied().flatten()
}

/// Finds a post-processor.
pub(crate) fn entry(name: &str) -> Option<&'static PostEntry> {
    post_processors().find(|entry| entry.name == name)
}

/// Creates a post-processor.
pub(super) fn make(named: &Named, reading: Reading) -> Result<Apply> {
    let name = named.name();
    match entry(name) {
        Some(entry) => (entry.make)(named, reading),
        None => {
            let near = nearest(name, post_processors().map(|entry| entry.name));
            let expected = near.map_or("a known one".to_owned(), |near| format!("`{near}`?"));
            Err(Error::Value { place: "post-processor".to_owned(), found: format!("`{name}`"), expected })
        }
    }
}
