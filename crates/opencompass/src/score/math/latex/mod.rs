//! A parser of LaTeX formulas as models write them: numbers, expressions, sets, intervals, tuples, matrices and
//! relations. The grammar is that of latex2sympy2_extended 1.11, quirks included, read in one pass: every text is
//! parsed in linear time and a limited depth.

mod atom;
mod element;
mod expr;
mod function;
mod matrix;
mod number;
mod parser;
mod scalar;
mod token;

#[cfg(test)]
mod tests;

pub(super) use expr::{Constant, End, Expr, Interval, NamedSet, Sign};
pub(super) use parser::parse;
