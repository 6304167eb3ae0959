//! `cargo xtask docs`: the parts of the documentation that are generated, so far README's table of results.

mod block;
mod results;
mod update;

pub(crate) use update::{DocsArguments, record, run};
