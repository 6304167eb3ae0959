//! The command line: one file per verb.
#![allow(clippy::print_stdout)]

mod corpus;
mod extract;
mod import;
mod parser;
mod report;
mod run;
mod warc;
mod warc_check;
mod why;

pub use parser::run;
