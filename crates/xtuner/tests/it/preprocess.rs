//! `preprocess` and `list-dataset-format`: sets from one format to another.

use std::fs;

use internlm_kit::testing::shared_data;
use serde_json::{Value, json};
use xtuner::dataset::format::{Format, read};
use xtuner::preference::read_preferences;

use crate::fixture::xtuner;

/// The rows that a run printed.
fn rows(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect()
}

#[test]
fn sets_are_converted_to_standard_output_and_files() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = xtuner(folder.path());
    let row = json!({"instruction": "Add.", "input": "1 1", "output": "2", "source": "web"});
    fs::write(folder.path().join("set.json"), format!("[{row}]")).expect("writes");
    let ran = program.run(["preprocess", "set.json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let messages = json!([{"role": "user", "content": "Add.\n1 1"}, {"role": "assistant", "content": "2"}]);
    assert_eq!(rows(&ran.stdout), [json!({"messages": messages, "source": "web"})]);

    let shared = ["preprocess", "set.json", "--to", "sharegpt", "--out", "out.jsonl"];
    let ran = program.run(shared);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    let out = fs::read_to_string(folder.path().join("out.jsonl")).expect("reads");
    assert_eq!(rows(&out)[0]["conversations"][1], json!({"from": "gpt", "value": "2"}));
    let ran = program.run(shared);
    assert!(ran.code == Some(2) && ran.stderr.contains("found an existing file"), "{ran:?}");
    let ran = program.run([&shared[..], &["--force", "--format", "medical"]].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let out = fs::read_to_string(folder.path().join("out.jsonl")).expect("reads");
    assert_eq!(rows(&out)[0]["conversations"][0]["from"], "system");
}

#[test]
fn what_a_target_cannot_hold_is_refused_with_its_row() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = xtuner(folder.path());
    let plain =
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]});
    let call = json!({"function": {"name": "f", "arguments": {}}});
    let calling = json!({"messages": [{"role": "user", "content": "a"},
        {"role": "assistant", "content": null, "tool_calls": [call]}]});
    fs::write(folder.path().join("set.jsonl"), format!("{plain}\n{calling}\n")).expect("writes");
    let cases: [(&[&str], &[&str]); 8] = [
        (&["--to", "alpaca"], &["set.jsonl: document 2: found message 1: calls", "alpaca has no place"][..]),
        (
            &["--to", "pretrain"],
            &["document 1: found a conversation to write as `pretrain`", "openai, sharegpt"],
        ),
        (&["--to", "sql"], &["to write as `sql`", "expected openai, sharegpt, alpaca, default"]),
        (&["--to", "alpaka"], &["found the format `alpaka`", "expected one of default"]),
        (&["--to", "preference"], &["set.jsonl: line 1", "`chosen` and `rejected`"]),
        (&["--to", "preference", "--format", "alpaca"], &["--format: found `alpaca`"]),
        (&["--to", "preference", "--compat", "xtuner"], &["--compat: found xtuner with"]),
        (&["--format", "alpaca"], &["set.jsonl: line 1", "missing field `output`"]),
    ];
    for (arguments, parts) in cases {
        let ran = program.run([&["preprocess", "set.jsonl"][..], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {ran:?}");
        for part in parts {
            assert!(ran.stderr.contains(part), "{arguments:?}: expected `{part}` in {ran:?}");
        }
    }
}

#[test]
fn a_file_without_rows_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = xtuner(folder.path());
    fs::write(folder.path().join("empty.jsonl"), "\n").expect("writes");
    for target in ["openai", "preference"] {
        let ran = program.run(["preprocess", "empty.jsonl", "--to", target]);
        assert!(ran.code == Some(2) && ran.stderr.contains("empty.jsonl: found no "), "{ran:?}");
    }
}

#[test]
fn published_sets_and_comparisons_are_converted() {
    let Some(sets) = shared_data("sft") else { return };
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = xtuner(folder.path());
    let set = |name: &str| sets.join(name).display().to_string();
    let calls = set("llamafactory/glaive_toolcall_zh_demo.json");
    let ran = program.run(["preprocess", &calls, "--out", "calls.jsonl"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (before, after) = (read(&calls, None), read(folder.path().join("calls.jsonl"), Some(Format::OpenAi)));
    assert_eq!(before.expect("reads").len(), after.expect("reads").len());

    for name in ["llamafactory/dpo_en_demo.json", "llms_from_scratch/instruction-data-with-preference.json"] {
        let name = set(name);
        let ran = program.run(["preprocess", &name, "--to", "preference", "--out", "pairs.jsonl", "--force"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let (before, after) = (read_preferences(&name), read_preferences(folder.path().join("pairs.jsonl")));
        assert_eq!(after.expect("reads"), before.expect("reads"), "{name}");
    }
}

#[test]
fn formats_are_listed() {
    let program = xtuner(".".as_ref());
    let ran = program.run(["list-dataset-format"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("openai           * a row with `messages`"), "{ran:?}");
    assert!(ran.stdout.contains("crime_kg_assitan   a row with `input` and `output`"), "{ran:?}");
    let listed = rows(&program.run(["list-dataset-format", "--json"]).stdout);
    let names: Vec<&str> = listed.iter().filter_map(|row| row["name"].as_str()).collect();
    let all: Vec<&str> = Format::all().map(Format::name).collect();
    assert_eq!(names, all);
}
