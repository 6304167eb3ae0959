//! Sets of long texts: upstream's prompt hashes, and rows that are made as upstream makes them.

use std::path::PathBuf;

use internlm_kit::hash::sha256;
use opencompass::dataset::{Catalog, Dataset, DatasetConfig, version};
use serde_json::{Value, json};

/// The stems of dataset files with upstream's hashes of the configurations that ask the same.
const VERSIONS: &str = include_str!("../golden/long/versions.txt");

/// Loaders with their files, and hashes of the rows that upstream makes from these.
const ROWS: &str = include_str!("../golden/long/rows.jsonl");
/// Number of rows in all cases.
const COUNT: usize = 236;

#[test]
fn every_set_has_upstreams_prompt_hash() {
    let catalog = Catalog::embedded();
    let lines: Vec<&str> = VERSIONS.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.len(), 31);
    for line in lines {
        let (stem, hash) = line.split_once(' ').expect("a stem and a hash");
        for set in catalog.find(&[stem]).expect("embedded") {
            assert_eq!(version(&set), hash, "{}", set.name);
            assert!(set.problems().is_empty(), "{}: {:?}", set.name, set.problems());
        }
    }
}

#[test]
fn every_task_has_every_length() {
    let catalog = Catalog::embedded();
    let count = |pattern: &str| catalog.find(&[pattern]).map_or(0, |sets| sets.len());
    let lengths = ["4k", "8k", "16k", "32k", "64k", "128k", "256k", "512k", "1m"];
    for length in lengths {
        // The patterns end with the length, and `*_4k` would find `64k` without the underscore.
        assert_eq!(count(&format!("ruler_*_{length}")), 13, "{length}");
    }
    for length in ["0k", "2k", "4k", "16k", "32k", "128k", "256k", "1m"] {
        assert_eq!(count(&format!("babilong_qa*_{length}")), 20, "{length}");
    }
    for needles in [2, 4, 8] {
        assert_eq!(count(&format!("mrcr_v2_{needles}needle_in_*")), 8, "{needles}");
    }
    for edition in ["needlebench", "needlebench_v2"] {
        for length in ["4k", "8k", "32k", "128k", "200k", "256k"] {
            for kind in ["origin", "parallel", "2needle", "5needle"] {
                for language in ["en", "zh"] {
                    assert_eq!(count(&format!("{edition}_{kind}_{language}_{length}")), 1, "{kind} {length}");
                }
            }
        }
        assert_eq!(count(&format!("{edition}_parallel_??_1000k")), 2);
    }
    assert_eq!(count("needlebench_origin_en_1000k_*"), 8);
    assert_eq!(count("needlebench_v2_origin_en_1000k_*"), 9);
    assert_eq!(count("LEval_*"), 18);
}

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/long")
}

/// A set of one loader.
fn config(files: &Value, loader: &Value, column: &str) -> DatasetConfig {
    let config = json!({
        "name": "long",
        "source": { "files": files, "format": "whole", "loader": [loader] },
        "reader": { "input": [column], "output": "answer" },
        "prompt": { "rounds": [{ "role": "HUMAN", "prompt": "a question" }] },
        "infer": { "mode": "gen" },
        "score": { "evaluator": "ruler" },
    });
    serde_json::from_value(config).expect("a dataset file")
}

#[test]
fn rows_are_those_of_upstream() {
    let mut count = 0;
    for line in ROWS.lines() {
        let case: Value = serde_json::from_str(line).expect("a JSON object per line");
        let column = case["column"].as_str().expect("text");
        let config = config(&case["files"], &case["loader"], column);
        let set = Dataset::load(config, &[golden()]);
        let set = set.unwrap_or_else(|error| panic!("{}: {error}", case["loader"]));
        let whole = set.test.iter().map(|row| {
            let prompt = row.columns[column].as_str().expect("text");
            format!("{prompt}\0{}", row.columns["answer"])
        });
        let whole: Vec<String> = whole.collect();
        let end = case["end"].as_str().expect("text");
        let last = whole.last().expect("rows");
        assert!(last.ends_with(end), "{}: found ..{}, expected ..{end}", case["loader"], tail(last));
        let hashes: Vec<String> = whole.iter().map(|text| sha256(text.as_bytes())[..8].to_owned()).collect();
        assert_eq!(json!(hashes), case["rows"], "{}", case["loader"]);
        count += hashes.len();
    }
    assert_eq!(count, COUNT);
}

/// The last letters of a text.
fn tail(text: &str) -> String {
    let letters = text.chars().count();
    text.chars().skip(letters.saturating_sub(24)).collect()
}

#[test]
fn what_a_set_lacks_is_named() {
    let loader = |name: &str, more: Value| {
        let mut loader = json!({ "name": name, "max_seq_length": "600", "num_samples": 2 });
        let more = more.as_object().expect("an object").clone();
        loader.as_object_mut().expect("an object").extend(more);
        loader
    };
    let chain = json!({ "tokens_to_generate": 30, "num_chains": 1, "num_hops": 4 });
    let vt = |more: Value| {
        let mut chain = chain.clone();
        chain.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        loader("ruler_vt", chain)
    };
    let qa = loader("ruler_qa", json!({ "dataset": "squad", "tokens_to_generate": 50 }));
    let fwe = loader("ruler_fwe", json!({ "max_seq_length": 100 }));
    let set = |task: &str, more: Value| {
        let mut set = json!({ "name": "needle_set", "task": task, "repeats": 1, "needles": 2 });
        set.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        set
    };
    let single = set("single", json!({ "edition": "second", "lengths": 500, "depths": 0 }));
    for (files, loader, part) in [
        (json!(["essays.jsonl", "vocabulary.tiktoken"]), vt(json!({})), "found 2 file(s), expected 1"),
        (json!(["essays.jsonl"]), vt(json!({})), "vocabulary: line 1"),
        (json!(["vocabulary.tiktoken"]), vt(json!({ "max_seq_length": 150 })), "max_seq_length: found 150"),
        (json!(["vocabulary.tiktoken"]), vt(json!({ "num_hops": 101 })), "num_hops: found 101"),
        (json!(["essays.jsonl"]), vt(json!({ "tokenizer": "absent/tokenizer.json" })), "tokenizer.json"),
        (json!(["names.json", "vocabulary.tiktoken"]), qa, "SQuAD 2.0"),
        (json!(["vocabulary.tiktoken"]), fwe, "at least 200"),
        (json!(["essays.jsonl", "names.json", "vocabulary.tiktoken"]), single, "needles"),
        (json!(["names.json"]), set("trace", json!({ "edition": "first" })), "edition: found first"),
    ] {
        let error =
            Dataset::load(config(&files, &loader, "prompt"), &[golden()]).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
}
