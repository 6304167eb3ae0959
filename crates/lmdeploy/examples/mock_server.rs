//! The real HTTP server on a scripted model, for clients and checkers that need a server and no weights. It writes its
//! address and serves until its standard input ends.
//!
//! `cargo run --release -p lmdeploy --example mock_server`

#![allow(clippy::print_stdout, reason = "an example shows something")]

use lmdeploy::engine::Capacity;
use lmdeploy::testing::{MockModel, MockServer};

fn main() -> std::io::Result<()> {
    // A short context: answers that nothing ends come to an end.
    let (blocks, block_tokens) = (2048, 16);
    let capacity = Capacity {
        blocks,
        block_tokens,
        max_batched_tokens: 512,
        max_sequences: 16,
        max_position: 8192,
        // That of the vocabulary, whatever is given.
        vocab: 0,
        cache_bytes: 0,
    };
    let model = MockModel::new(["Hello! How can I help?"]).with_name("mock").with_capacity(capacity);
    let server = MockServer::start(model);
    println!("{}", server.url());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map(|_| ())
}
