//! The command line: one file per verb.
#![allow(clippy::print_stdout)]

mod columns;
mod corpus;
mod extract;
mod filter;
mod import;
mod inspect;
mod inspect_html;
mod lid;
mod parser;
mod report;
mod run;
mod why;

pub use parser::run;
