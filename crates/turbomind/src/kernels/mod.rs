//! The phases of a pass: work split over the members of the pool, outputs written in disjoint parts.
#![allow(unsafe_code)]

pub(crate) mod attention;
mod map;
mod share;

pub(crate) use map::SharedBytes;
pub(crate) use share::Shared;
