//! The phases of a pass: work split over the members of the pool, outputs written in disjoint parts.
#![allow(unsafe_code)]

pub(crate) mod attention;
mod chunks;
mod handoff;
mod head;
mod input;
mod map;
mod project;
mod share;

pub(crate) use head::{Best, HeadOutput, head, insert};
pub(crate) use input::{Input, Inputs, Needs, Normalization, Rows, embed, prepare, prepare_normalized};
pub(crate) use project::{Rotation, Sums, attention_input, gate_up, residual};

pub(crate) use handoff::{Lender, handoff};

pub(crate) use map::SharedBytes;
pub(crate) use share::Shared;
