//! The command line, one file per verb.

mod columns;
mod corpus;
mod extract;
mod filter;
mod import;
mod inspect;
mod inspect_html;
mod inspect_summary;
mod lid;
mod parser;
mod report;
mod run;
mod warc;
mod warc_check;
mod warc_damage;
mod why;

pub use parser::run;
