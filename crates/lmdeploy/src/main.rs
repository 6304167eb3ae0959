//! The `lmdeploy` binary.
fn main() {}
