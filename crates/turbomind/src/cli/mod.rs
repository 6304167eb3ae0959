//! The command line, one file per verb; [`run`] is the binary.

mod arguments;
mod bench;
mod generate;
mod ids;
mod inspect;
mod model;
mod perplexity;
mod process;
mod sequence;
mod traffic;

pub use arguments::{run, run_from};
