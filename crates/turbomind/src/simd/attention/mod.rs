//! Attention of the query rows of one kv head over one part of the keys: scores, softmax, weighted values, merging.
//!
//! A query row depends on its own keys alone, in one order of operations: a score adds dimensions in rising order; the
//! sum of the weights runs in 16 lanes, position by position; values are added position by position; parts are merged in
//! rising order. What else shares a call changes nothing, and all is written once over
//! [`Lanes`](crate::simd::lanes::Lanes), so a row has the same bits alone, among others, in any chunk and on any
//! instruction set.

mod element;
mod encode;
mod merge;
mod rows;
mod scores;
mod softmax;
mod values;
mod widen;

pub(crate) use encode::Encode;
pub(crate) use merge::{Finish, Merge, Rotation, Scale};
pub(crate) use rows::{PART, ROWS, Rows};
pub(crate) use scores::Scores;
pub(crate) use softmax::Softmax;
pub(crate) use values::Values;
pub(crate) use widen::{Side, Widen};
