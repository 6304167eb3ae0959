//! Tests of attention.
