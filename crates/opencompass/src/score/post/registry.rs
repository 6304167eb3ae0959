//! The post-processors by name.

use super::post_entry::{Apply, PostEntry};
use super::{
    agieval, atlas, bbh, boxed, chemistry, chinese, choice, code, fence, first_line, livecode, math, number,
    option, pair, plain, protein, smolinstruct, theorem_qa, yes_no,
};
use crate::dataset::{Named, nearest};
use crate::score::Reading;
use crate::{Error, Result};

/// The tables of all files.
const TABLES: &[&[PostEntry]] = &[
    plain::ENTRIES,
    option::ENTRIES,
    number::ENTRIES,
    boxed::ENTRIES,
    math::ENTRIES,
    bbh::ENTRIES,
    choice::ENTRIES,
    first_line::ENTRIES,
    chinese::ENTRIES,
    agieval::ENTRIES,
    atlas::ENTRIES,
    theorem_qa::ENTRIES,
    code::ENTRIES,
    fence::ENTRIES,
    livecode::ENTRIES,
    pair::ENTRIES,
    smolinstruct::ENTRIES,
    yes_no::ENTRIES,
    chemistry::ENTRIES,
    protein::ENTRIES,
];

/// Returns every post-processor that dataset files can name.
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
        Some(entry) => entry.create(named, reading),
        None => {
            let near = nearest(name, post_processors().map(|entry| entry.name));
            let expected = near.map_or("a known one".to_owned(), |near| format!("`{near}`?"));
            Err(Error::Value { place: "post-processor".to_owned(), found: format!("`{name}`"), expected })
        }
    }
}
