//! The scores of the shared page sets, by the definitions of their scorer. No score is below the best published peer.
//!
//! The block model was trained on these pages, so this test only checks that the model and its code fit together. The
//! cross-validation in `training/README.md` says what to expect on other sites.
#![allow(clippy::print_stderr)]

use std::collections::HashMap;
use std::hash::Hash;
use std::path::Path;

use serde_json::Value;
use wanjuan_data::extract::{ExtractConfig, extract_html};

use crate::web_sets::{shared_data, unpack};

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs of letters, digits and underscores.
fn words(text: &str) -> Vec<String> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// As [`words`], with every Han or kana character a word of its own.
fn words_and_han(text: &str) -> Vec<String> {
    let han = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}');
    let spaced: String =
        text.chars().flat_map(|c| if han(c) { vec![' ', c, ' '] } else { vec![c] }).collect();
    words(&spaced)
}

fn bag<T: Eq + Hash>(items: Vec<T>) -> HashMap<T, usize> {
    let mut bag = HashMap::new();
    for item in items {
        *bag.entry(item).or_default() += 1;
    }
    bag
}

/// Number of items in both, in the answer, and in the gold data.
fn overlap<T: Eq + Hash>(answer: Vec<T>, gold: Vec<T>) -> (f64, f64, f64) {
    let (answers, golds) = (answer.len() as f64, gold.len() as f64);
    let (answer, gold) = (bag(answer), bag(gold));
    let both: usize = gold.iter().map(|(item, count)| *count.min(answer.get(item).unwrap_or(&0))).sum();
    (both as f64, answers, golds)
}

fn f1(precision: f64, recall: f64) -> f64 {
    if precision + recall == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
}

/// F1 of a page by bags of words. For a page without content an empty answer is right.
fn page_f1(answer: Vec<String>, gold: Vec<String>) -> f64 {
    match overlap(answer, gold) {
        (_, answers, 0.0) => f64::from(u8::from(answers == 0.0)),
        (0.0, _, _) => 0.0,
        (both, answers, golds) => f1(both / answers, both / golds),
    }
}

fn shingles(text: &str) -> Vec<Vec<String>> {
    let words = words(text);
    match words.len() {
        0 => Vec::new(),
        1..4 => vec![words],
        _ => words.windows(4).map(<[String]>::to_vec).collect(),
    }
}

/// Extracted text and gold data of each page of a set.
fn answers(folder: &Path, set: &str) -> Vec<(String, Value)> {
    let set = folder.join(set);
    let gold = std::fs::read_to_string(set.join("gold.json")).expect("reads");
    let gold: Value = serde_json::from_str(&gold).expect("is JSON");
    let list = std::fs::read_to_string(set.join("list.tsv")).expect("reads");
    let extract = |line: &str| {
        let (key, path) = line.split_once('\t').expect("key and path");
        let page = std::fs::read(set.join(path)).expect("reads");
        (extract_html(&page, None, &ExtractConfig::default()).text, gold[key].clone())
    };
    list.lines().map(extract).collect()
}

fn text_of(gold: &Value) -> &str {
    gold["text"].as_str().unwrap_or_default()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Micro F1 over wanted and unwanted passages.
fn passages(pages: &[(String, Value)]) -> f64 {
    let (mut found, mut wrong, mut missed) = (0.0, 0.0, 0.0);
    for (text, gold) in pages {
        let text = squeeze(text);
        for (field, hit, miss) in [("with", &mut found, Some(&mut missed)), ("without", &mut wrong, None)] {
            let passages = gold[field].as_array().expect("passages").iter().filter_map(Value::as_str);
            let (inside, outside): (Vec<_>, Vec<_>) = passages.partition(|one| text.contains(&squeeze(one)));
            *hit += inside.len() as f64;
            if let Some(miss) = miss {
                *miss += outside.len() as f64;
            }
        }
    }
    f1(found / (found + wrong), found / (found + missed))
}

/// F1 of mean precision and mean recall of shingles.
fn news(pages: &[(String, Value)]) -> f64 {
    let counts: Vec<(f64, f64, f64)> = pages
        .iter()
        .map(|(text, gold)| overlap(shingles(&text.replace('\u{ad}', "")), shingles(text_of(gold))))
        .collect();
    let precision = mean(counts.iter().filter(|page| page.1 > 0.0).map(|page| page.0 / page.1));
    let recall = mean(counts.iter().filter(|page| page.2 > 0.0).map(|page| page.0 / page.2));
    f1(precision, recall)
}

fn bags(pages: &[(String, Value)], words: fn(&str) -> Vec<String>) -> f64 {
    mean(
        pages
            .iter()
            .map(|(text, gold)| page_f1(words(&text.to_lowercase()), words(&text_of(gold).to_lowercase()))),
    )
}

#[test]
fn no_set_is_below_the_best_peer() {
    let Some(data) = shared_data() else { return };
    // The best of trafilatura 2.3.1 (two modes), rs-trafilatura 0.2.2, dom_smoothie 0.19, resiliparse 2.0.1 and
    // magic-html on the same pages; on readability the best that is not a port of Readability.
    let peers =
        [("traf", 0.9275), ("aeb", 0.9633), ("wcxb", 0.8377), ("readability", 0.9339), ("zh", 0.9565)];
    for (set, peer) in peers {
        let Some(folder) = unpack(&data.join(format!("web/{set}.tar.zst"))) else { return };
        let pages = answers(folder.path(), set);
        let score = match set {
            "traf" => passages(&pages),
            "aeb" => news(&pages),
            "zh" => bags(&pages, words_and_han),
            _ => bags(&pages, words),
        };
        eprintln!("{set}: F1 {score:.4}, best peer {peer}");
        assert!(score > peer, "{set}: F1 {score:.4}, best peer {peer}");
    }
}
