//! The phases of a pass: work split over the members of the pool, outputs written in disjoint parts.
//!
//! Every function here that takes a [`Member`](crate::pool::Member) is called by all members of the pool at the same
//! point of the job. On return its output is complete and visible to all of them.
#![allow(unsafe_code)]

pub(crate) mod attention;
mod chunks;
mod embed;
mod head;
mod hidden;
mod input;
mod product;
mod project;

pub(crate) use embed::embed;
pub(crate) use head::{HeadOutput, TopEntries, insert};
pub(crate) use hidden::hidden_states;
pub(crate) use input::{Input, Inputs, Needs, Normalization, Reordering};
pub(crate) use product::{Products, SumsBuffer};
pub(crate) use project::Rotation;
