//! Greedy generation with the reference path: `cargo run --release --example generate -- MODEL "text"`.
#![allow(clippy::print_stdout)]

use std::io::Write;
use std::path::PathBuf;

use internlm_model::generate::TextStream;
use internlm_model::tokenizer::Special;
use internlm_model::{Decoder, GenerateConfig, Generator, Tokenizer, device};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(model), Some(text)) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        anyhow::bail!("usage: generate MODEL TEXT");
    };
    let tokenizer = Tokenizer::load(&model)?;
    let decoder = Decoder::load(&model, &device::parse("cpu")?)?;
    let config = decoder.config();
    let prompt: Vec<_> = config.bos.into_iter().chain(tokenizer.encode(&text)).collect();
    let options =
        GenerateConfig::new(64).with_stop_ids(config.eos.clone()).with_vocabulary(tokenizer.vocab_size());
    let stream = TextStream::new(Generator::new(&decoder, &prompt, options)?, &tokenizer, Special::Skip);
    print!("{text}");
    for piece in stream {
        print!("{piece}");
        std::io::stdout().flush()?;
    }
    println!();
    Ok(())
}
