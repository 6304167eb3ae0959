//! Measures the speed of the rule sets, one thread, in CPU time, also on hostile documents.
//!
//! ```text
//! cargo bench -p wanjuan-data --bench rules -- [--documents DOCS.jsonl] [--runs 5]
//! ```
//!
//! Documents are lines with `id` and `content`; without them, 200 documents of about 9.5 KB are generated. The rule sets run as
//! in a pipeline, each by itself, and together on one view that finds the words once, as the verb `filter` runs them.
//! `benches/peers/rules_datatrove.py` compares the verb with datatrove.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::HashMap;
use std::fs;
use std::time::Instant;

use anyhow::{Context, ensure};
use internlm_kit::rng::CounterRng;
use wanjuan_data::filter::{
    AbnormalCharacters, C4, C4Paragraphs, FineWeb, GopherQuality, GopherRepetition, Punctuation, RefinedWeb,
    RuleSet, Separators, View,
};
use wanjuan_data::normalize::normalize_characters;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (pairs, rest) = arguments.as_chunks::<2>();
    ensure!(rest.is_empty(), "expected pairs of --name value, found {rest:?} at the end");
    let options: HashMap<&str, &str> =
        pairs.iter().map(|[key, value]| (key.as_str(), value.as_str())).collect();
    let documents = match options.get("--documents") {
        Some(path) => read(path)?,
        None => (0..200).map(made).collect(),
    };
    let runs: usize = options.get("--runs").map_or(Ok(5), |runs| runs.parse())?;
    let bytes: usize = documents.iter().map(String::len).sum();
    println!("{} documents, mean {} bytes", documents.len(), bytes / documents.len().max(1));
    let four: [Box<dyn RuleSet>; 4] = [
        Box::new(GopherQuality::default()),
        Box::new(GopherRepetition::default()),
        Box::new(C4::default()),
        Box::new(FineWeb::default()),
    ];
    let others: [Box<dyn RuleSet>; 5] = [
        Box::new(C4Paragraphs::default()),
        Box::new(RefinedWeb::default()),
        Box::new(Separators::default()),
        Box::new(AbnormalCharacters::default()),
        Box::new(Punctuation::default()),
    ];
    let report = |name: &str, work: &dyn Fn(&str)| {
        let mut speeds: Vec<f64> = (0..runs).map(|_| speed(&documents, work)).collect();
        speeds.sort_by(f64::total_cmp);
        let speed = speeds[runs / 2];
        let megabytes = speed * bytes as f64 / documents.len() as f64 / 1e6;
        println!("{name:28}{speed:10.0} documents/CPU-s {megabytes:8.1} MB/CPU-s");
    };
    for set in four.iter().chain(&others) {
        report(set.name(), &|text| drop(std::hint::black_box(set.decide(&View::new(text)))));
    }
    report("normalize", &|text| drop(std::hint::black_box(normalize_characters(text))));
    report("the four, as in a pipeline", &|text| {
        for set in &four {
            std::hint::black_box(set.decide(&View::new(text)));
        }
    });
    report("the four, words once", &|text| {
        let view = View::new(text);
        for set in &four {
            std::hint::black_box(set.decide(&view));
        }
    });
    hostile(four.iter().chain(&others));
    Ok(())
}

/// Documents per second of CPU time, over at least half a second.
fn speed(documents: &[String], work: &dyn Fn(&str)) -> f64 {
    let (started, mut done) = (cpu_seconds(), 0);
    loop {
        documents.iter().for_each(|text| work(text));
        done += documents.len();
        let seconds = cpu_seconds() - started;
        if seconds > 0.5 {
            return done as f64 / seconds;
        }
    }
}

/// CPU time of this thread where Linux reports it; wall-clock time elsewhere.
fn cpu_seconds() -> f64 {
    thread_local!(static STARTED: Instant = Instant::now());
    let nanoseconds = fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next().and_then(|field| field.parse::<f64>().ok()));
    nanoseconds.map_or_else(|| STARTED.with(Instant::elapsed).as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

fn read(path: &str) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    let content = |line: &str| -> anyhow::Result<String> {
        let record: serde_json::Value = serde_json::from_str(line)?;
        Ok(record["content"].as_str().context("a line without content")?.to_owned())
    };
    text.lines().map(content).collect()
}

/// A document of 9.5 KB: sentences of made-up words in paragraphs.
fn made(seed: u64) -> String {
    let draws = CounterRng::new(seed, "rules");
    let mut drawn = 0;
    let mut draw = |bound: u64| {
        drawn += 1;
        draws.below(drawn, bound)
    };
    let mut text = String::new();
    while text.len() < 9500 {
        for at in 0..6 + draw(12) {
            let stop = ["the", "of", "and", "to", "with"][draw(5) as usize];
            text.push_str(if at == 0 { "" } else { " " });
            match draw(3) {
                0 => text.push_str(stop),
                _ => (0..1 + draw(4))
                    .for_each(|_| text.push_str(["ta", "re", "sol", "min", "ve"][draw(5) as usize])),
            }
        }
        text.push_str([". ", ", but ", ".\n", "? "][draw(4) as usize]);
    }
    text
}

/// A megabyte each of text that could take more time than its size.
fn hostile<'a>(sets: impl Iterator<Item = &'a Box<dyn RuleSet>> + Clone) {
    let megabyte = |part: &str| part.repeat((1 << 20) / part.len());
    for (name, text) in [
        ("one word", megabyte("word ")),
        ("no spaces", megabyte("x")),
        ("no spaces, Chinese", megabyte("汉")),
        ("one line of many words", megabyte("a b c d e f g h i j ")),
        ("line feeds", megabyte("\n")),
        ("opening brackets", megabyte("[")),
        ("bracket and digits", megabyte("[1234567890")),
        ("marks", megabyte("。…...#")),
        ("combining marks", megabyte("e\u{301}\u{302}\u{303}")),
        ("phrases", megabyte("use cookies of lorem ipsu ")),
    ] {
        let mut slowest = ("", 0.0);
        let mut total = 0.0;
        for set in sets.clone() {
            let started = cpu_seconds();
            std::hint::black_box(set.decide(&View::new(&text)));
            let seconds = cpu_seconds() - started;
            total += seconds;
            slowest = if seconds > slowest.1 { (set.name(), seconds) } else { slowest };
        }
        let started = cpu_seconds();
        std::hint::black_box(normalize_characters(&text));
        let normalized = cpu_seconds() - started;
        let (set, seconds) = slowest;
        println!(
            "1 MB of {name:24} rules {total:6.3} s, slowest {set} {seconds:.3} s; normalize {normalized:.3} s"
        );
    }
}
