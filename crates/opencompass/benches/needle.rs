//! Measures how fast needle sets are made on one thread, in megabytes of prompts per second.
//!
//! ```text
//! cargo bench -p opencompass --bench needle -- [--tokenizer PATH] [--texts FOLDER] [--length 131072] [--runs 5]
//! ```
//!
//! Without a folder of texts, 3 MB of sentences of made-up words are generated; without the tokenizer of a model, a
//! byte-level one of 4,000 ids is trained on the texts. Half and a quarter of the length are measured as well.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::HashMap;
use std::fs;
use std::time::Instant;

use anyhow::{Context, ensure};
use internlm_kit::rng::CounterRng;
use internlm_model::tokenizer::{BpeTrainConfig, Tokenizer, train_bpe};
use opencompass::needle::{KnownNeedle, NeedleConfig, NeedleRow, NeedleSources, generate};

const SYLLABLES: [&str; 24] = [
    "ba", "con", "da", "el", "fi", "gra", "hu", "in", "jo", "ka", "lin", "mo", "ner", "or", "pla", "qui",
    "ra", "ster", "to", "un", "ver", "wi", "xo", "zen",
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (pairs, rest) = arguments.as_chunks::<2>();
    ensure!(rest.is_empty(), "expected pairs of --name value, found {rest:?} at the end");
    let options: HashMap<&str, &str> =
        pairs.iter().map(|[key, value]| (key.as_str(), value.as_str())).collect();
    let length: usize = options.get("--length").map_or(Ok(131_072), |length| length.parse())?;
    let runs: usize = options.get("--runs").map_or(Ok(5), |runs| runs.parse())?;
    ensure!(runs > 0, "--runs: found 0, expected 1 or more");
    let texts = match options.get("--texts") {
        Some(folder) => read(folder)?,
        None => (0..8).map(made).collect(),
    };
    let mut sources = NeedleSources { texts, ..NeedleSources::default() };
    let tokenizer = match options.get("--tokenizer") {
        Some(path) => Tokenizer::load(path)?,
        None => train_bpe(sources.texts.iter().cloned(), &BpeTrainConfig::new(4_000))?,
    };
    sources.needles.push(KnownNeedle {
        needle: "The hidden gem of Emerald Island is the Emerald.".to_owned(),
        retrieval_question: "What is the hidden gem of Emerald Island?".to_owned(),
        arg1: "Emerald Island".to_owned(),
        arg2: "Emerald".to_owned(),
        language: "English".to_owned(),
    });
    let config = NeedleConfig::default().with_lengths(vec![length / 4, length / 2, length]);
    let mut speeds = Vec::with_capacity(runs);
    for _ in 0..runs {
        let (start, mut rows, mut bytes) = (Instant::now(), 0, 0);
        let mut emit = |row: NeedleRow| {
            rows += 1;
            bytes += row["prompt"].as_str().map_or(0, str::len);
            Ok(())
        };
        generate(&config, &sources, Some(&tokenizer), &mut emit)?;
        let megabytes = bytes as f64 / 1e6;
        speeds.push(megabytes / start.elapsed().as_secs_f64());
        println!("{rows} questions, {megabytes:.1} MB");
    }
    speeds.sort_by(f64::total_cmp);
    println!("median of {runs} runs: {:.0} MB/s", speeds[runs / 2]);
    Ok(())
}

/// The files of a folder as texts.
fn read(folder: &str) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{folder}: cannot be listed"))?;
    let text = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry?.path();
        fs::read_to_string(&path).with_context(|| format!("{}: cannot be read", path.display()))
    };
    entries.map(text).collect()
}

/// About 400 kB of sentences of made-up words.
fn made(text: u64) -> String {
    let rng = CounterRng::new(text, "words");
    let mut made = String::new();
    let mut word = 0;
    while made.len() < 400_000 {
        // Each word has eight random numbers: its length, up to three syllables, and whether a sentence ends.
        let first = 8 * word;
        for place in 0..=rng.below(first, 3) {
            let syllable = rng.below(first + 1 + place, SYLLABLES.len() as u64) as usize;
            made.push_str(SYLLABLES[syllable]);
        }
        made.push_str(if rng.below(first + 7, 12) == 0 { ". " } else { " " });
        word += 1;
    }
    made
}
