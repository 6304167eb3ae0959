//! Where a text says its answer: formulas between math delimiters, boxes and plain numbers, behind words such as "the
//! final answer is" or anywhere. The rules are those of math-verify 0.9.

mod anchor;
mod answer;
mod environment;
mod formula;
mod plain;

pub(super) use answer::{Answer, Source, answers};
