//! Equality of mathematical answers: as normalized strings, and as formulas.
//!
//! ```text
//! text ─ extract (where the answer is) ─ normal (spelling) ─ latex (tree) ─ compare (values, sets, relations)
//! ```

mod compare;
mod equality;
mod extract;
mod latex;
mod normal;
mod olympiad;
mod pattern;
mod region;
mod relation;
mod sets;
mod shape;
mod string_form;
mod table;
mod value;
mod verify;

pub(super) use pattern::built_in;
pub(super) use string_form::same_blank;
pub(super) use table::ENTRIES;
pub(super) use verify::{formula_value, formulas_equal};
