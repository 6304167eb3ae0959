//! Import of OpenCompass' Python configurations, without Python.
//!
//! Configurations are programs: they import each other, loop over subjects and format templates. The subset of
//! Python that they use is parsed and executed here, with bounds on depth, work and memory; anything else is an
//! error with file, line and construct. Classes and functions of other packages stay dotted names, and the
//! environment is not read.
//!
//! The prompt hash proves an import: its first six digits are the suffix of the configuration's file name.

mod ast;
mod builtins;
mod call;
mod difference;
mod escape;
mod evaluate;
mod execute;
mod expression;
mod fault;
mod fields;
mod format_string;
mod json;
mod load;
mod lower;
mod lower_prompt;
mod lower_score;
mod machine;
mod methods;
mod operators;
mod parser;
mod place;
mod print;
mod sequences;
mod statement;
mod token;
mod upstream;
mod value;

pub use lower::Lowered;
pub use upstream::{UpstreamConfig, UpstreamDataset, upstream_hash};
