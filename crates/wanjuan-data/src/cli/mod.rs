//! The command line: one file per verb.
#![allow(clippy::print_stdout)]

mod corpus;
mod extract;
mod filter;
mod import;
mod parser;
mod report;
mod run;
mod why;

pub use parser::run;
