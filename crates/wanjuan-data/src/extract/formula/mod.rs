//! Formulas in pages, as TeX: from their source where the page carries it, else from MathML.

mod mathml;
mod source;
mod symbols;

pub(crate) use source::{Formula, FormulaKind, formula, formula_kind, is_math_script};
