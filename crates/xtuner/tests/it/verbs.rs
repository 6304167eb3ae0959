//! What the verbs print, and that a reader may leave at any time.

use std::fs;

use serde_json::Value;

use crate::families::{PAIRS, PROMPTS, write_data};
use crate::fixture::{prepare, xtuner};

#[test]
fn check_dataset_shows_samples_and_counts() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "lora", 2);
    let ran = xtuner(folder.path()).run(["check-dataset", &config, "--rows", "1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn check_dataset_warns_of_keys_that_the_model_does_not_see() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "lora", 2);
    let line = r#"{"messages": [{"role": "user", "content": "x"},
        {"role": "assistant", "content": "y", "reasoning_content": "because", "refusal": null}], "source": "web"}"#;
    fs::write(folder.path().join("conversations.jsonl"), format!("\u{feff}[{line},\n{line}]"))
        .expect("writes");
    let program = xtuner(folder.path()).with_environment("INTERNLM_LOG", "warn");
    let ran = program.run(["check-dataset", &config, "--rows", "1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("y<|im_end|>⟧") && ran.stdout.contains("conversations  2\n"), "{ran:?}");
    for warning in ["`reasoning_content` of 2 message(s)", "`source` next to the messages of 2 line(s)"] {
        assert_eq!(ran.stderr.matches(warning).count(), 1, "{ran:?}");
    }
    assert!(!ran.stderr.contains("refusal"), "{ran:?}");
}

#[test]
fn test_takes_the_model_as_an_argument_and_by_its_old_option() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let config = prepare(folder, "lora", 1);
    let program = xtuner(folder);
    assert_eq!(program.run(["train", &config]).code, Some(0));
    let by_default = program.run(["test", &config]);
    assert_eq!(by_default.code, Some(0), "{by_default:?}");
    assert!(by_default.stdout.contains("questions  2\n"), "{by_default:?}");
    for arguments in [&["test", &config, "run/hf"][..], &["test", &config, "--model", "run/hf"]] {
        assert_eq!(program.run(arguments), by_default, "{arguments:?}");
    }
    let both = program.run(["test", &config, "run/hf", "--model", "run/hf"]);
    assert_eq!(both.code, Some(2), "{both:?}");
    let summary: Value =
        serde_json::from_slice(&fs::read(folder.join("run/summary.json")).expect("reads")).expect("JSON");
    for name in ["steps", "call_exact", "answer_exact", "direct_exact"] {
        assert!(summary[name].is_number(), "{name}: {summary}");
    }
    let compared = program.run(["test", &config, "--compare"]);
    assert!(compared.stdout.contains("call_exact_before  0\n"), "{compared:?}");
    let summary: Value =
        serde_json::from_slice(&fs::read(folder.join("run/summary.json")).expect("reads")).expect("JSON");
    for name in ["steps", "answer_exact", "answer_exact_before"] {
        assert!(summary[name].is_number(), "{name}: {summary}");
    }
    assert_eq!(program.run(["test", &config, "run/hf", "--compare"]).code, Some(2));
    // Only the comparison reads the model that the run began with.
    let elsewhere = ["test", &config, "--set", "model.path=nowhere", "--compare"];
    assert_eq!(program.run(&elsewhere[..4]).code, Some(0));
    let missing = program.run(elsewhere);
    assert!(missing.code == Some(2) && missing.stderr.contains("nowhere"), "{missing:?}");
    let misses = program.run([
        "test",
        &config,
        "--show-misses",
        "--set",
        "test.max-tokens=4",
        "--set",
        "test.limit=1",
    ]);
    assert!(misses.stdout.starts_with("q000: "), "{misses:?}");
}

#[test]
fn a_reader_that_leaves_ends_a_verb_quietly() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "lora", 1);
    let generate = "[generate]\nconversations = \"made.jsonl\"\nquestions = \"asked.jsonl\"\ncalculator = 2\n\
                    expressions = 2\nsentences = 2\ndigits = 2\nplain = 2\ndirect = 2\n";
    let whole = fs::read_to_string(&config).expect("reads") + generate;
    fs::write(folder.path().join("generate.toml"), whole).expect("writes");
    write_data(folder.path());
    let base = fs::read_to_string(&config).expect("reads").replace("method = \"lora\"", "method = \"full\"");
    let other = |out: &str, data: &str, objective: &str| {
        let text = base.replace("/run\"", &format!("/{out}\"")).replace("conversations.jsonl", data);
        let text = text.replace("max-length = 512", "max-length = 128") + objective;
        fs::write(folder.path().join(format!("{out}.toml")), text).expect("writes");
    };
    other("reward", PAIRS, "\n[objective]\nkind = \"reward\"\n");
    let grpo =
        "\n[objective]\nkind = \"grpo\"\nrewards = [{ kind = \"number\" }]\nanswer = { max-tokens = 4 }\n";
    other("grpo", PROMPTS, grpo);
    let ready = "internlm2_chat_7b_qlora_custom_sft_e1";
    xtuner(folder.path()).check_closed_output_of_every_verb(&[
        &["list-cfg"],
        &["copy-cfg", ready, "."],
        &["generate", "generate.toml"],
        &["list-dataset-format"],
        &["preprocess", "conversations.jsonl"],
        &["check-dataset", &config],
        &["log-dataset", &config],
        &["plan", &config],
        &["train", &config],
        &["test", &config],
        &["chat", "base", "--max-new-tokens", "4"],
        &["convert", "merge", "base", "run/adapter", "merged"],
        &["convert", "pth_to_hf", &config, "run/checkpoints/step-1", "exported"],
        &["convert", "split", "merged", "parts"],
        &["convert", "adapter", "base", "run/adapter", "renamed", "--names", "llama"],
        &["train", "reward.toml"],
        &["eval-rm", "reward/hf", PAIRS],
        &["rollout", "grpo.toml", "--answers", "2", "--limit", "1"],
    ]);
}
