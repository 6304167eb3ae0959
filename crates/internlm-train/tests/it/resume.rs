//! A run killed at any moment ends with the bits of one that was not; so does one on another thread count.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::fixture::{Fixture, stderr};

/// What must be equal: weights, moments, and what `metrics.jsonl` says about learning.
fn result_of(fixture: &Fixture) -> (Vec<String>, Vec<String>) {
    let files = [
        "hf/model.safetensors",
        "checkpoints/step-60/model.safetensors",
        "checkpoints/step-60/optimizer.safetensors",
    ];
    let hashes = files.map(|file| fixture.hash(&format!("run/{file}")));
    let metrics = fs::read_to_string(fixture.path("run/metrics.jsonl")).expect("reads");
    let learning = metrics.lines().map(|line| {
        let row: Value = serde_json::from_str(line).expect("a JSON line");
        let fields = ["step", "loss", "lr", "grad_norm", "tokens", "valid_loss"];
        fields.map(|field| format!("{field}={}", row[field])).join(" ")
    });
    (hashes.to_vec(), learning.collect())
}

fn lines(fixture: &Fixture) -> usize {
    fs::read_to_string(fixture.path("run/metrics.jsonl")).map_or(0, |text| text.lines().count())
}

#[test]
fn killed_runs_and_other_thread_counts_give_the_same_bits() {
    let fixture = Fixture::new();
    let output =
        fixture.command(&["train", "train.toml"]).env("RAYON_NUM_THREADS", "1").output().expect("runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let expected = result_of(&fixture);
    assert_eq!(expected.1.len(), 63, "60 steps and 3 validations");

    let fixture = Fixture::new();
    for rows in [3, 17, 48] {
        let mut command = fixture.command(&["train", "train.toml"]);
        command.env("RAYON_NUM_THREADS", "2").stderr(Stdio::null()).stdout(Stdio::null());
        let mut child = command.spawn().expect("starts");
        while lines(&fixture) < rows && child.try_wait().expect("waits").is_none() {
            std::thread::sleep(Duration::from_micros(200));
        }
        child.kill().expect("kills");
        child.wait().expect("waits");
    }
    let output =
        fixture.command(&["train", "train.toml"]).env("RAYON_NUM_THREADS", "2").output().expect("runs");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(result_of(&fixture), expected);
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
    let fixture = Fixture::new();
    assert!(fixture.run(&["train", "train.toml"]).status.success());
    let expected = fixture.hash("run/hf/model.safetensors");
    let newest = fixture.path("run/checkpoints/step-60/model.safetensors");
    let mut bytes = fs::read(&newest).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).expect("writes");
    let output = fixture.run(&["train", "train.toml"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("passed over") && text.contains("step-60") && text.contains("sha256"), "{text}");
    assert_eq!(fixture.hash("run/hf/model.safetensors"), expected);
}
