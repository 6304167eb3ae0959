//! Values of formulas: exact ones of numbers, and complex ones where the variables have chosen values.

mod complex;
mod exact;
mod sample;

pub(super) use exact::exact;
pub(super) use sample::{Samples, real};
