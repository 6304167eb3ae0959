//! The phases of a pass: work split over the members of the pool, outputs written in disjoint parts.
#![allow(unsafe_code)]

mod handoff;
mod share;

pub(crate) use handoff::{Lender, handoff};
pub(crate) use share::Shared;
