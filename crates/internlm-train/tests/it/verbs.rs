//! What the verbs print, and that a reader may leave at any time.

use internlm_kit::testing::Program;
use serde_json::Value;

use crate::fixture::{Fixture, stderr};

fn program(fixture: &Fixture) -> Program {
    Program::new(env!("CARGO_BIN_EXE_internlm-train"), fixture.path(""))
        .with_environment("INTERNLM_LOG", "off")
}

#[test]
fn plan_prints_readable_units_and_exact_json() {
    let fixture = Fixture::new();
    let program = program(&fixture);
    let ran =
        program.run(["plan", "train.toml", "--set", "schedule.steps=100000", "--set", "model.hidden=512"]);
    // The last line hangs on the machine.
    let (lines, time) = ran.stdout.trim_end().rsplit_once('\n').expect("several lines");
    assert!(time.contains("time of the run  about ") && time.ends_with("GFLOP/s"), "{time}");
    insta::assert_snapshot!(lines);
    let json: Value =
        serde_json::from_str(&program.run(["plan", "train.toml", "--json"]).stdout).expect("JSON");
    assert_eq!((json["step_tokens"].as_u64(), json["run_tokens"].as_u64()), (Some(128), Some(7680)));
    assert_eq!(json["state_bytes"].as_u64(), json["parameters"].as_u64().map(|count| 16 * count));
}

#[test]
fn plan_reads_the_model_that_a_run_starts_from() {
    let fixture = Fixture::new();
    let output = fixture.run(&["train", "train.toml", "--set", "schedule.steps=1"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = std::fs::read_to_string(fixture.path("train.toml")).expect("reads");
    let (before, after) = text.split_once("[model]").expect("a model");
    let after = after.split_once("\n[").map_or("", |(_, rest)| rest);
    let text = format!("{before}\n[{after}").replace("[run]", "[run]\ninit-from = \"run/hf\"");
    std::fs::write(fixture.path("continued.toml"), text).expect("writes");
    let program = program(&fixture);
    let plan = |file: &str| {
        let ran = program.run(["plan", file, "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        serde_json::from_str::<Value>(&ran.stdout).expect("JSON")
    };
    assert_eq!(plan("continued.toml"), plan("train.toml"));
}

#[test]
fn eval_and_export_agree_on_the_model() {
    let fixture = Fixture::new();
    let output = fixture.run(&["train", "train.toml", "--set", "schedule.steps=4"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let program = program(&fixture);
    let eval = |model: &str| {
        let ran = program.run(["eval", model, "shards/valid", "--seq-len", "32", "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        serde_json::from_str::<Value>(&ran.stdout).expect("JSON")
    };
    let measured = eval("run/hf");
    assert_eq!(measured, eval("run/checkpoints/step-4"));
    assert_eq!(measured["documents"], 4.0);
    assert!(measured.get("bits_per_byte").is_none(), "no tokenizer counts bytes: {measured}");
    let loss = measured["loss"].as_f64().expect("a number");
    assert!((measured["perplexity"].as_f64().expect("a number") / loss.exp() - 1.0).abs() < 1e-12);
    let summary: Value =
        serde_json::from_slice(&std::fs::read(fixture.path("run/summary.json")).expect("reads"))
            .expect("JSON");
    assert!(
        (summary["valid_loss"].as_f64().expect("a number") / loss - 1.0).abs() < 1e-3,
        "{summary} {loss}"
    );

    let ran = program.run(["export", "run/checkpoints/step-4", "--out", "exported"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(fixture.hash("exported/model.safetensors"), fixture.hash("run/hf/model.safetensors"));
}

#[test]
fn the_memory_of_the_cpu_is_not_traced() {
    let fixture = Fixture::new();
    let program = program(&fixture);
    for (arguments, expected) in [
        (&["memory", "--device", "cpu"][..], "device: found cpu, expected a GPU"),
        (&["memory", "--device", "cpu", "--shape", "9m"], "--shape: found `9m`, expected one of tiny, 4m"),
    ] {
        let ran = program.run(arguments);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(expected), "{ran:?}");
    }
}

#[test]
fn a_reader_that_leaves_ends_a_verb_quietly() {
    let fixture = Fixture::new();
    program(&fixture).check_closed_output_of_every_verb(&[
        &["plan", "train.toml"],
        &["plan", "train.toml", "--json"],
        &["train", "train.toml", "--set", "schedule.steps=2"],
        &["eval", "run/hf", "shards/valid"],
        &["export", "run/hf", "--out", "exported"],
        &["bench", "--rounds", "1", "--steps", "1", "--warmup", "0"],
        // It measures GPUs only.
        &["memory", "--help"],
    ]);
}

#[test]
fn a_second_run_into_the_folder_of_a_running_one_is_refused() {
    let fixture = Fixture::new();
    let long = ["train", "train.toml", "--set", "schedule.steps=100000"];
    let mut child = fixture.command(&long).spawn().expect("starts");
    while std::fs::read_to_string(fixture.path("run/metrics.jsonl")).map_or(0, |text| text.lines().count())
        < 2
    {
        assert!(child.try_wait().expect("waits").is_none(), "the run ended early");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let output = fixture.run(&[&long[..], &["--resume", "none"]].concat());
    child.kill().expect("kills");
    child.wait().expect("waits");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("another process"), "{}", stderr(&output));
}

/// One rank of several updates its share of the parameters and computes all gradients.
#[test]
fn bench_measures_kernels_and_emulated_ranks() {
    let fixture = Fixture::new();
    let program = program(&fixture);
    let once = ["bench", "--json", "--rounds", "1", "--steps", "1", "--warmup", "0"];
    let lines = |more: &[&str]| -> Vec<Value> {
        let ran = program.run([&once[..], more].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let kernels = lines(&["--product", "8x16x32", "--attention", "9x4x2x8"]);
    let names: Vec<_> = kernels.iter().filter_map(|line| line["kernel"].as_str()).collect();
    assert_eq!(names, ["product", "attention forward", "attention backward"]);
    let rank =
        &["--shape", "4m", "--batch", "1", "--seq-len", "16", "--recompute", "layers", "--emulate-zero", "4"];
    let steps = lines(rank);
    let number = |key: &str| steps[0][key].as_f64().expect(key);
    assert_eq!((steps.len(), number("tokens")), (1, 16.0));
    let share = number("updated") / number("parameters");
    assert!(share > 0.24 && share < 0.5, "{share}");
    assert!(number("flops_per_second") > 0.0 && steps[0]["peak_bytes"].is_null(), "{steps:?}");
}
