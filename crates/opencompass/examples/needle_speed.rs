//! Measures how fast needle sets are made.
//!
//! `cargo run --release -p opencompass --example needle_speed -- TOKENIZER TEXT_FOLDER [LENGTH]`

#![allow(clippy::print_stdout)] // An example shows what it does.

use std::time::Instant;

use internlm_model::tokenizer::Tokenizer;
use opencompass::needle::{KnownNeedle, NeedleConfig, NeedleRow, NeedleSources, generate};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let tokenizer = Tokenizer::load(arguments.next().ok_or("expected a tokenizer")?)?;
    let folder = arguments.next().ok_or("expected a folder of texts")?;
    let length = arguments.next().map_or(Ok(131_072), |length| length.parse())?;
    let mut sources = NeedleSources::default();
    for entry in std::fs::read_dir(folder)? {
        sources.texts.push(std::fs::read_to_string(entry?.path())?);
    }
    sources.needles.push(KnownNeedle {
        needle: "The hidden gem of Emerald Island is the Emerald.".to_owned(),
        retrieval_question: "What is the hidden gem of Emerald Island?".to_owned(),
        arg1: "Emerald Island".to_owned(),
        arg2: "Emerald".to_owned(),
        language: "English".to_owned(),
    });
    let config = NeedleConfig::default().with_lengths(vec![length / 4, length / 2, length]);
    let (start, mut rows, mut bytes) = (Instant::now(), 0, 0);
    let mut emit = |row: NeedleRow| {
        rows += 1;
        bytes += row["prompt"].as_str().map_or(0, str::len);
        Ok(())
    };
    generate(&config, &sources, Some(&tokenizer), &mut emit)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{rows} questions, {:.1} MB, {:.0} MB/s", bytes as f64 / 1e6, bytes as f64 / 1e6 / seconds);
    Ok(())
}
