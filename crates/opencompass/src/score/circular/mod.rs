//! Circular evaluation (循环评测): every question is asked with its options in several orders.

mod icl;
mod orders;
mod rotations;
mod table;
mod vote;

pub(super) use table::ENTRIES;
