//! The threads that run a pass together, and the memory that they fill together.
//!
//! A [`Pool`] runs one job at a time: a closure that every member calls. A job consists of phases that all members enter
//! in the same order. The chunks of a phase are claimed one by one, so a member that the system takes off its core
//! delays one chunk only. Waiting members spin for some microseconds and then sleep, between jobs as well.
//!
//! [`Shared`] and [`SharedBytes`] are what members write in disjoint parts during one phase and read in later ones.
//! This folder and `simd/`, `kernels/` are the places of the crate that hold `unsafe` code.

mod barrier;
mod cores;
mod dispatch;
mod parking;
mod shared;
mod shared_bytes;
#[cfg(test)]
mod tests;
mod threads;

pub use cores::default_threads;
pub(crate) use shared::Shared;
pub(crate) use shared_bytes::SharedBytes;
pub use threads::{Member, Pool};
