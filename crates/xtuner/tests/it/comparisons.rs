//! Comparisons as the verbs show and convert them, and where they are read from.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use xtuner::preference::read_preferences;

use crate::fixture::{config_text, model_folder, xtuner};

/// Pairs of which every second one is of the domain `code`, and at the end one of equal answers.
fn rows() -> Vec<Value> {
    let pair = |index: usize| {
        let domain = if index.is_multiple_of(2) { "code" } else { "" };
        let asked = format!("Is {index} a number?");
        json!({"prompt": asked, "chosen": "Yes, it is.", "rejected": "No, never.", "domain": domain})
    };
    (0..20).map(pair).chain([json!({"prompt": "a", "chosen": "b", "rejected": "b"})]).collect()
}

fn write_rows(path: &Path, rows: &[Value]) {
    fs::write(path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).expect("writes");
}

/// A config of the objective on [`rows`] below `folder`.
fn prepare(folder: &Path, objective: &str) -> String {
    model_folder(folder);
    write_rows(&folder.join("conversations.jsonl"), &rows());
    let path = folder.join("config.toml");
    let text = config_text(folder, "full", 1) + "\n[objective]\n" + objective;
    fs::write(&path, text).expect("writes");
    path.display().to_string()
}

#[test]
fn pairs_are_shown_with_both_answers_and_counted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "kind = \"preference\"\n");
    let program = xtuner(folder.path());
    let ran = program.run(["check-dataset", &config, "--rows", "1", "--ids"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [
        "--- comparison ",
        ", chosen: ",
        ", rejected: ",
        "⟦Yes, it is.<|im_end|>⟧",
        "⟦No, never.<|im_end|>⟧",
        "  comparisons  21\n",
        "        pairs  20 (",
        " chosen, ",
        "          cut  0 (max-length 512)\n",
        "      dropped  1\n",
        "        equal  1 (both answers are the same)\n",
        "     too long  0 (both answers are more than 1024 tokens)\n",
        " % filled)\n",
    ] {
        assert!(ran.stdout.contains(part), "expected `{part}` in {ran:?}");
    }
    let logged = |show: &str| {
        let ran = program.run(["log-dataset", &config, "--show", show, "--sample", "2"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout
    };
    let masked = logged("masked_text");
    let [chosen, rejected] = masked.lines().collect::<Vec<_>>()[..] else { panic!("two lines: {masked}") };
    assert!(chosen.starts_with("[-100 x ") && chosen.contains("]Yes, it is.<|im_end|>"), "{chosen}");
    assert!(rejected.contains("]No, never.<|im_end|>"), "{rejected}");
    let all = logged("all");
    assert!(
        all.contains("--- chosen: labels\n[-100, ") && all.contains("--- rejected: input_ids\n["),
        "{all}"
    );
    let far = program.run(["log-dataset", &config, "--sample", "21"]);
    assert!(far.code == Some(2) && far.stderr.contains("--sample: found 21"), "{far:?}");
}

#[test]
fn single_answers_are_named_by_what_people_think_of_them() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "kind = \"preference\"\nloss = \"kto\"\n");
    let ran = xtuner(folder.path()).run(["check-dataset", &config, "--rows", "99"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [", liked: ", ", disliked: ", ", mismatched: ", "answers  ", " of own answers, "] {
        assert!(ran.stdout.contains(part), "expected `{part}` in {ran:?}");
    }
}

#[test]
fn sequences_of_a_reward_model_show_the_token_that_is_scored() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let objective = "kind = \"reward\"\ndomains = { code = \"Prefer programs.\" }\n";
    let config = prepare(folder.path(), objective);
    let program = xtuner(folder.path());
    let ran = program.run(["check-dataset", &config, "--rows", "40"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [
        " tokens, scored at the last\n",
        "Prefer programs.<|im_end|>",
        "⟦</s>⟧\n",
        "        pairs  20 (",
        "        equal  1 (both sequences are the same)\n",
        "         code  10 pairs\n",
        "    no domain  11 without a system prompt\n",
    ] {
        assert!(ran.stdout.contains(part), "expected `{part}` in {ran:?}");
    }
    let ran = program.run(["log-dataset", &config, "--show", "labels"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let labels: Vec<Vec<i64>> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("a list")).collect();
    assert!(labels.len() == 2 && labels.iter().flatten().all(|label| *label == -100), "{labels:?}");
}

#[test]
fn what_comparisons_and_prompts_have_no_use_for_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "kind = \"preference\"\n");
    let program = xtuner(folder.path());
    for (set, expected) in [
        ("dataset.compat=xtuner", "dataset.compat: found xtuner, expected none"),
        ("dataset.format=alpaca", "dataset.format: found `alpaca`, expected none"),
        ("dataset.reduction=sample", "dataset.reduction: found "),
        ("dataset.group-by-length=true", "dataset.group-by-length: found true"),
        ("dataset.packing=hard", "dataset.packing: found hard"),
    ] {
        let ran = program.run(["check-dataset", &config, "--set", set]);
        assert!(ran.code == Some(2) && ran.stderr.contains(expected), "{set}: {ran:?}");
    }
    let rewards = "kind = \"grpo\"\nrewards = [{ kind = \"number\" }]\nanswer = { max-tokens = 4 }\n";
    let other = tempfile::tempdir().expect("temporary folder");
    let config = prepare(other.path(), rewards);
    let ran = program.run(["check-dataset", &config]);
    assert!(ran.code == Some(2) && ran.stderr.contains("objective.kind: found grpo"), "{ran:?}");
}

#[test]
fn keys_that_reach_no_token_are_warned_of_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "kind = \"preference\"\n");
    let answer = |text: &str| json!({"role": "assistant", "content": text, "reasoning_content": "so"});
    let asked = json!([{"role": "user", "content": "a", "future_key": "x"}]);
    let row = json!({"prompt": asked, "chosen": answer("b"), "rejected": answer("c"), "score_chosen": 8.5});
    write_rows(&folder.path().join("conversations.jsonl"), &[row.clone(), row]);
    let program = xtuner(folder.path()).with_environment("INTERNLM_LOG", "warn");
    let ran = program.run(["check-dataset", &config]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for warning in [
        "`reasoning_content` of 4 message(s)",
        "`future_key` of 2 message(s)",
        "`score_chosen` next to the messages of 2 line(s)",
    ] {
        assert_eq!(ran.stderr.matches(warning).count(), 1, "{warning}: {ran:?}");
    }
}

#[test]
fn other_keys_survive_a_conversion_of_comparisons() {
    let folder = tempfile::tempdir().expect("temporary folder");
    write_rows(&folder.path().join("pairs.jsonl"), &rows());
    let ran = xtuner(folder.path()).run(["preprocess", "pairs.jsonl", "--to", "preference"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let first: Value = serde_json::from_str(ran.stdout.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["domain"], &first["chosen"][0]["content"]), (&json!("code"), &json!("Yes, it is.")));
}

#[test]
fn a_folder_of_comparisons_is_all_its_files() {
    let folder = tempfile::tempdir().expect("temporary folder");
    write_rows(&folder.path().join("a.jsonl"), &rows());
    fs::write(folder.path().join("b.json"), json!(rows()).to_string()).expect("writes");
    fs::write(folder.path().join("c.txt"), "not read").expect("writes");
    assert_eq!(read_preferences(folder.path()).expect("reads").len(), 42);
}

#[test]
fn comparisons_are_read_from_tables_as_from_lines() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pairs.parquet");
    let read = read_preferences(&table);
    if !cfg!(feature = "parquet") {
        let error = read.expect_err("no reader of tables").to_string();
        assert!(error.contains("feature `parquet`"), "{error}");
        return;
    }
    let folder = tempfile::tempdir().expect("temporary folder");
    let row = |number: usize| {
        json!({"prompt": format!("What is {number} + {number}?"), "chosen": (2 * number).to_string(),
            "rejected": "九"})
    };
    write_rows(&folder.path().join("pairs.jsonl"), &[row(1), row(2), row(3)]);
    let lines = read_preferences(folder.path().join("pairs.jsonl")).expect("reads");
    assert_eq!(read.expect("reads"), lines);
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/messages.parquet");
    let error = read_preferences(other).expect_err("conversations").to_string();
    assert!(error.contains("messages.parquet: row 1: found an object with the keys"), "{error}");
}
