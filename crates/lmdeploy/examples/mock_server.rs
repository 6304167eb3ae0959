//! The real HTTP server on a scripted model, for clients and checkers that need a server and no weights. It writes its
//! address and serves until its standard input ends.
//!
//! `cargo run --release -p lmdeploy --example mock_server`

#![allow(clippy::print_stdout, reason = "an example shows something")]

use lmdeploy::testing::{MockModel, MockServer};

fn main() -> std::io::Result<()> {
    let model = MockModel::new(["Hello! How can I help?"]).with_name("mock");
    let server = MockServer::start(model);
    println!("{}", server.url());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map(|_| ())
}
