//! `cargo xtask loc`: how large the crates are and how they are written, measured on the syntax trees.
//!
//! | column | what is counted |
//! |---|---|
//! | files | `.rs` files below `src/`, without files of tests |
//! | code | their lines that are neither blank nor comment, outside `#[cfg(test)]` items |
//! | file | median, 90th percentile and maximum of lines per file, outside tests, with comments and blank lines |
//! | fn | median, 90th and 99th percentile of lines per function with a body, signature and braces included |
//! | comments | comment lines (doc comments too) as a share of the lines outside tests that are not blank |
//! | pub-doc | documented share of the public items, fields, variants and trait functions |
//! | test/code | all lines of `#[cfg(test)]` items, `tests.rs` files and `tests/` folders over code |
//! | unwrap+expect/kloc | calls of `unwrap` and `expect` per 1,000 lines of code, outside tests |
//!
//! Benches, examples, fuzz targets and scripts count nowhere.

mod functions;
mod lines;
mod measure;
mod table;

pub(crate) use table::{LocArguments, run};
