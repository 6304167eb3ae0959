//! SIGTERM: finish the step, save, exit 0; the same command then continues.
#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::fixture::{Fixture, stderr};

#[test]
fn sigterm_saves_and_exits_with_zero() {
    let fixture = Fixture::new();
    let arguments =
        ["train", "train.toml", "--set", "schedule.steps=4000", "--set", "checkpoint.every=100000"];
    let mut child = fixture.command(&arguments).stdout(Stdio::null()).spawn().expect("starts");
    let metrics = fixture.path("run/metrics.jsonl");
    while fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) < 2 {
        assert!(child.try_wait().expect("waits").is_none(), "the run ended before it was asked to");
        std::thread::sleep(Duration::from_millis(1));
    }
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success() && child.wait().expect("waits").success());
    let saved: Vec<_> = fs::read_dir(fixture.path("run/checkpoints")).expect("lists").collect();
    assert_eq!(saved.len(), 1);
    let output = fixture.run(&["train", "train.toml"]);
    assert_eq!(output.status.code(), Some(2), "an unfinished run of other settings");
    assert!(stderr(&output).contains("--resume none"), "{}", stderr(&output));
}
