//! The verbs of the binary: plans, lists, explanations and tables.

use std::fs;

use internlm_kit::testing::Program;
use serde_json::Value;

use crate::runs::{Bench, told};

fn program(bench: &Bench) -> Program {
    Program::new(env!("CARGO_BIN_EXE_opencompass"), bench.folder.path())
}

#[test]
fn a_dry_run_counts_requests_and_writes_nothing() {
    let bench = Bench::new(3);
    let ran = program(&bench).run(["run.toml", "--dry-run", "--set", "model.log-probs=true"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines[..2], ["mock x sums: 3 items, 3 requests", "mock x pick: 3 items, 6 requests"]);
    assert!(lines[2].starts_with("mock x texts: 3 items, "), "{}", lines[2]);
    assert!(!bench.path("out").exists());
    let ran = program(&bench).run(["run.toml", "--dry-run", "--set", "model.log-probs=false"]);
    assert!(
        ran.stdout.contains("mock x pick: refused: the dataset needs log-probabilities"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_list_shows_every_file_with_its_version() {
    let bench = Bench::new(1);
    let ran = program(&bench).run(["list-configs", "--dataset-dir", "sets"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let rows: Vec<Vec<&str>> = ran.stdout.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows[0], ["file", "sets", "first set", "version", "mode", "evaluator", "from"]);
    let row = |stem: &str| rows.iter().find(|row| row[0] == stem).unwrap_or_else(|| panic!("no {stem}"));
    assert_eq!(row("gsm8k")[1..], ["1", "gsm8k", "1d7fe4", "gen", "gsm8k", "embedded"]);
    assert_eq!((row("mmlu")[1], row("mmlu")[4]), ("57", "ppl"));
    assert_eq!((row("texts")[5], row("texts")[6]), ("bits_per_byte", "sets/texts.toml"));
    // Ten embedded files and the three of the bench.
    assert_eq!(rows.len(), 14);
}

#[test]
fn a_reader_that_leaves_ends_a_verb_quietly() {
    let bench = Bench::new(1);
    program(&bench).check_closed_output_of_every_verb(&[
        &["list-configs"],
        &["run", "run.toml"],
        &["run.toml"],
        &["why", "out", "mock", "sums"],
    ]);
}

#[test]
fn why_without_an_item_shows_the_first_wrong_ones() {
    let bench = Bench::new(6);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let ran = program(&bench).run(["why", "out", "mock", "sums"]);
    let shown: Vec<_> = ran.stdout.lines().filter(|line| line.starts_with("item ")).collect();
    // The mock repeats the question, whose last number happens to be right for item 0.
    assert_eq!(shown, ["item 1", "item 2", "item 3"]);
    assert!(ran.stdout.starts_with("mock x sums: accuracy 16.6"), "{}", ran.stdout);
    let texts = program(&bench).run(["why", "out", "mock", "texts", "0"]);
    assert!(
        texts.stdout.contains("\"bits_per_byte\":8.0") && texts.stdout.contains("score: 8.0"),
        "{}",
        texts.stdout
    );
}

#[test]
fn groups_join_the_table_of_a_run() {
    let bench = Bench::new(4);
    let run = fs::read_to_string(bench.path("run.toml")).expect("reads");
    let groups = "[[group]]\nname = \"both\"\nsubsets = [\"sums\", \"pick\"]\nstd = true\nmetric = \"gap\"\n";
    bench.write("run.toml", &format!("{run}{groups}"));
    let ran = program(&bench).run(["run.toml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // sums is 25 and pick 50, whose standard deviation is 12.5.
    let row = ran.stdout.lines().find(|line| line.contains("gap")).expect("the group's row");
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["both", "-", "gap", "mixed", "12.50"]);
    let resolved = fs::read_to_string(bench.path("out/configs/run.toml")).expect("reads");
    assert!(resolved.starts_with("# opencompass ") && resolved.contains("std = true"), "{resolved}");
    bench.write("run.toml", &format!("{run}{groups}sum = true\n"));
    let ran = program(&bench).run(["run.toml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("group `both`: found several of std, sum"), "{}", ran.stderr);
}

#[test]
fn the_json_summary_has_intervals_for_proportions() {
    let bench = Bench::new(4);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let text = fs::read_to_string(bench.path("out/summary/summary_out.json")).expect("reads");
    let summary: Value = serde_json::from_str(&text).expect("JSON");
    let interval = |dataset: &str| {
        let cells = summary["cells"].as_array().expect("cells");
        let cell = cells.iter().find(|cell| cell["dataset"] == dataset);
        cell.expect("a cell")["interval"].clone()
    };
    let pick = interval("pick");
    let (low, high) = (pick["ci_low"].as_f64().expect("low"), pick["ci_high"].as_f64().expect("high"));
    // Two of four are right.
    assert!((low - 15.0).abs() < 0.1 && (high - 85.0).abs() < 0.1 && pick["n"] == 4, "{pick}");
    assert_eq!(interval("texts"), serde_json::json!({ "n": 4 }), "bits per byte are not a proportion");
}

#[test]
fn a_stored_answer_belongs_to_its_model_and_seed() {
    let bench = Bench::new(3);
    let lines = || fs::read_to_string(bench.path("out/store.jsonl")).expect("reads").lines().count();
    assert_eq!(told(&bench.run(&["run.toml", "--datasets", "sums"])).0, Some(0));
    assert_eq!(lines(), 3);
    for (set, expected) in [
        ("run.workers=2", 3),
        ("run.seed=1", 6),
        ("model.rule={kind=\"constant\", text=\"1\"}", 9),
        ("run.seed=1", 9),
    ] {
        let (code, stderr) = told(&bench.run(&["run.toml", "--datasets", "sums", "--set", set]));
        assert_eq!((code, lines()), (Some(0), expected), "{set}: {stderr}");
    }
}
