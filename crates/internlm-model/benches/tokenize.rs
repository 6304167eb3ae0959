//! Speed of a tokenizer, one thread: encoding and decoding documents of a few KB, best of several runs.
//!
//! ```text
//! cargo bench -p internlm-model --bench tokenize -- --model PATH [--text PATH] [--documents lines|whole]
//!     [--runs 3] [--ids PATH] [--save FOLDER]
//! ```
//!
//! The text is cut at the first line end after 4096 bytes (`--documents whole`: not at all). Without `--text`
//! it is made here: 4 MB of Chinese, English and code. `--ids` writes the ids, one document per line; `--save` the
//! tokenizer. `benches/peers/tokenize_peers.py` runs this beside `tokenizers` and `sentencepiece`.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use internlm_kit::rng::CounterRng;
use internlm_model::TokenId;
use internlm_model::tokenizer::{Special, Tokenizer};

/// Least length of a document in bytes.
const DOCUMENT: usize = 4096;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let (pairs, rest) = arguments.as_chunks::<2>();
    ensure!(rest.is_empty(), "expected pairs of --name value, found {rest:?} at the end");
    let options: HashMap<&str, &str> =
        pairs.iter().map(|[key, value]| (key.as_str(), value.as_str())).collect();
    let Some(model) = options.get("--model") else {
        println!("tokenize: nothing to measure without --model PATH");
        return Ok(());
    };
    let text = match options.get("--text") {
        Some(path) => fs::read_to_string(path).with_context(|| format!("reading {path}"))?,
        None => made(),
    };
    let documents = match options.get("--documents").copied().unwrap_or("lines") {
        "whole" => vec![text.as_str()],
        _ => documents(&text),
    };
    let runs: usize = options.get("--runs").map_or(Ok(3), |runs| runs.parse())?;
    let tokenizer = Tokenizer::load(Path::new(model))?;
    if let Some(folder) = options.get("--save") {
        fs::create_dir_all(folder)?;
        tokenizer.save(Path::new(folder))?;
    }
    let mut ids: Vec<Vec<TokenId>> = Vec::new();
    let encode = best(runs, || ids = documents.iter().map(|document| tokenizer.encode(document)).collect());
    let mut decoded = Vec::new();
    let decode = best(runs, || {
        decoded = ids.iter().map(|ids| tokenizer.decode(ids, Special::Keep)).collect();
    });
    let megabytes = text.len() as f64 * 1e-6;
    let count: usize = ids.iter().map(Vec::len).sum();
    println!("encode {:.2} MB/s decode {:.2} MB/s ids {count}", megabytes / encode, megabytes / decode);
    if let Some(path) = options.get("--ids") {
        let line = |ids: &Vec<TokenId>| {
            let ids: Vec<String> = ids.iter().map(TokenId::to_string).collect();
            ids.join(" ") + "\n"
        };
        fs::write(path, ids.iter().map(line).collect::<String>())?;
    }
    Ok(())
}

/// Seconds of the fastest run.
fn best(runs: usize, mut work: impl FnMut()) -> f64 {
    let seconds = (0..runs.max(1)).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}

fn documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut rest = text;
    while rest.len() > DOCUMENT {
        let line = rest.as_bytes()[DOCUMENT..].iter().position(|&byte| byte == b'\n');
        let Some(line) = line else { break };
        let (document, after) = rest.split_at(DOCUMENT + line + 1);
        documents.push(document);
        rest = after;
    }
    documents.push(rest);
    documents
}

/// 4 MB of words in three languages.
fn made() -> String {
    let lines = [
        "The committee said on Tuesday that the 1,250 new houses won't be finished before next summer.",
        "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。",
        "    let total: u64 = items.iter().map(|item| item.size() as u64).sum(); // bytes",
        "She hadn't expected anyone to answer, least of all the old man across the street.",
        "模型在两千亿个词元上训练，学习率先升后降，共用 64 张显卡。",
        "def forward(self, x):\n        return self.w2(F.silu(self.w1(x)) * self.w3(x))\n",
    ];
    let words: Vec<Vec<&str>> =
        lines.iter().map(|line| line.split_inclusive([' ', '，', '。']).collect()).collect();
    let rng = CounterRng::new(1, "tokenize");
    let mut text = String::new();
    for index in 0.. {
        if text.len() > 4_000_000 {
            break;
        }
        let line = &words[rng.below(2 * index, words.len() as u64) as usize];
        let skip = rng.below(2 * index + 1, line.len() as u64) as usize;
        text.extend(line[skip..].iter().copied().chain(["\n"]));
    }
    text
}
