//! A search index over a folder of pages and texts, as an engine that needs no network.
//!
//! | file | what |
//! |---|---|
//! | `words` | text -> words, for every language |
//! | `fields` | the schema, and opening an index |
//! | `pages` | a file -> title and text |
//! | `build` | a folder -> an index; resumes and follows changes |
//! | `local_index` | a query -> results |

mod build;
mod fields;
mod local_index;
mod pages;
mod words;

pub use build::{IndexSummary, build_index};
pub(super) use local_index::LocalIndex;
