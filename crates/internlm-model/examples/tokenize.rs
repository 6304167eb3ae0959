//! Loads any vocabulary, encodes a text and decodes it token by token.
//!
//! `cargo run --release -p internlm-model --no-default-features --example tokenize -- PATH TEXT`

use std::path::Path;

use anyhow::Context;
use internlm_model::tokenizer::{Special, Tokenizer};

#[allow(clippy::print_stdout, reason = "an example talks to its reader")]
fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("usage: tokenize PATH TEXT")?;
    let text = arguments.next().context("usage: tokenize PATH TEXT")?;
    let tokenizer = Tokenizer::load(Path::new(&path))?;
    let ids = tokenizer.encode(&text);
    println!("{} of {} ids", ids.len(), tokenizer.vocab_size());
    let mut decoder = tokenizer.stream_decoder(Special::Keep);
    for id in ids {
        println!("{id}\t{:?}", decoder.push(id));
    }
    println!("\t{:?}", decoder.finish());
    Ok(())
}
