//! The `wanjuan-data` binary.

fn main() {}
