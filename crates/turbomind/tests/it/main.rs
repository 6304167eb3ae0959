//! Behavior of the crate.
