//! NPHardEval: solutions of problems of three classes of complexity, which are verified instead of compared.

mod coloring;
mod evaluator;
mod meeting;
mod path;
mod solution;
mod tour;

pub(super) use evaluator::{Task, make};
