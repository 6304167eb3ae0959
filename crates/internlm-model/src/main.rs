//! The binary `internlm-model`.

fn main() {}
