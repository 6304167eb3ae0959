//! Measures the speed of post-processors on one thread, in texts per second.
//!
//! ```text
//! cargo bench -p opencompass --bench post -- [--texts FILE.jsonl] [--runs 5]
//! ```
//!
//! The texts are the field `text` of the lines of a JSON-lines file; without one, 2,000 answers of about 300 bytes are
//! generated, half of them Chinese.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, ensure};
use opencompass::dataset::Named;
use opencompass::score::Reading;
use opencompass::score::post::Post;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (pairs, rest) = arguments.as_chunks::<2>();
    ensure!(rest.is_empty(), "expected pairs of --name value, found {rest:?} at the end");
    let options: HashMap<&str, &str> =
        pairs.iter().map(|[key, value]| (key.as_str(), value.as_str())).collect();
    let texts = match options.get("--texts") {
        Some(path) => read(path)?,
        None => (0..2_000).map(made).collect(),
    };
    let runs: usize = options.get("--runs").map_or(Ok(5), |runs| runs.parse())?;
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{} texts, mean {} bytes", texts.len(), bytes / texts.len().max(1));
    let first = Named::new("first_option_postprocess").with("options", "ABCD");
    let posts = [
        first.clone(),
        first.with("cushion", false),
        Named::new("last-capital"),
        Named::new("general"),
        Named::new("gsm8k"),
        Named::new("math_postprocess_v2"),
        Named::new("bbh-mcq"),
        Named::new("humaneval_postprocess_v2"),
    ];
    for named in posts {
        for reading in [Reading::Compat, Reading::Fixed] {
            let post = Post::new(&named, reading)?;
            let mut speeds: Vec<f64> = (0..runs).map(|_| speed(&texts, &post)).collect();
            speeds.sort_by(f64::total_cmp);
            println!("{:30}{reading:?}{:12.0} texts/s", named.name(), speeds[runs / 2]);
        }
    }
    Ok(())
}

/// Processes all texts several times and returns texts per second.
fn speed(texts: &[String], post: &Post) -> f64 {
    const ROUNDS: usize = 20;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        for text in texts {
            black_box(post.apply(black_box(text)));
        }
    }
    (texts.len() * ROUNDS) as f64 / start.elapsed().as_secs_f64()
}

fn read(path: &str) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("{path}: cannot be read"))?;
    let lines = text.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line)?;
        Ok(row["text"].as_str().context("`text`: expected a text")?.to_owned())
    });
    lines.collect()
}

/// An answer with thoughts in front of its letter, in one of several forms.
fn made(number: usize) -> String {
    let letter = ['A', 'B', 'C', 'D'][number % 4];
    let english = "The first statement follows from the second one, and the third one adds nothing to it. ";
    let chinese = "由题意可知，第一项与第二项矛盾，第三项没有依据。";
    match number % 6 {
        0 => format!("{}The answer is ({letter}).", english.repeat(3)),
        1 => format!("{}答案是{letter}。", chinese.repeat(4)),
        2 => format!("{letter}. {}", english.repeat(3)),
        3 => format!("{}因此，选项{letter}是正确的", chinese.repeat(4)),
        4 => format!("{}Answer: {letter}", english.repeat(3)),
        _ => format!("{}故选{letter}。", chinese.repeat(4)),
    }
}
