//! The `turbomind` binary.

fn main() {}
