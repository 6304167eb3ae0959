//! The normal form of a formula's text before it is parsed: latex2sympy2_extended's `normalize_latex`, quirks included.

mod boxed;
mod repair;
mod text;
mod unit;
mod word;

pub(super) use boxed::Boxes;
pub(super) use text::{Repairs, last_side, normalized};
