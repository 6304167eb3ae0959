//! Killed runs end with the same bytes and do not repeat finished units.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::pipeline::{manifest, run_site};
use crate::site::{pipeline_toml, write_site};

#[test]
fn kill_at_any_moment_and_run_again() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 60);
    let reference = folder.path().join("reference");
    run_site(&site, &reference, 2);
    for (number, milliseconds) in [15, 40, 80, 160].into_iter().enumerate() {
        let output = folder.path().join(format!("killed-{number}"));
        let config = folder.path().join(format!("{number}.toml"));
        fs::write(&config, pipeline_toml(&site, &output)).expect("writes");
        let run = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"));
            command.arg("run").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let mut child = run().spawn().expect("starts");
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().expect("kills");
        child.wait().expect("waits");
        let before = fs::read_to_string(output.join("work/manifest.jsonl")).unwrap_or_default();
        assert!(run().status().expect("runs").success());
        assert_eq!(manifest(&output), manifest(&reference), "killed after {milliseconds} ms");
        let after = fs::read_to_string(output.join("work/manifest.jsonl")).expect("reads");
        assert_eq!(units(&after).len(), units(&before).len() + new_units(&before, &after));
        assert!(no_temporary_files(&output));
    }
}

/// (segment, unit) of every whole line; a unit that was done twice would be there twice.
fn units(manifest: &str) -> Vec<(String, u64)> {
    let lines = manifest.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.map(|line| (line["segment"].to_string(), line["unit"].as_u64().expect("a number"))).collect()
}

fn new_units(before: &str, after: &str) -> usize {
    let before = units(before);
    let mut new: Vec<_> = units(after).into_iter().filter(|unit| !before.contains(unit)).collect();
    new.sort();
    new.dedup();
    new.len()
}

fn no_temporary_files(folder: &Path) -> bool {
    fs::read_dir(folder).expect("lists").all(|entry| {
        let path = entry.expect("lists").path();
        if path.is_dir() {
            no_temporary_files(&path)
        } else {
            path.extension().is_none_or(|end| end != "tmp")
        }
    })
}

#[test]
fn a_damaged_intermediate_file_is_made_again() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 30);
    let output = folder.path().join("out");
    run_site(&site, &output, 2);
    let expected = manifest(&output);
    let file = output.join("work/01-extract/00001.jsonl");
    let mut text = fs::read_to_string(&file).expect("reads");
    text.replace_range(40..41, "#");
    fs::write(&file, text).expect("writes");
    fs::remove_file(output.join("work/finished.json")).expect("removes");
    run_site(&site, &output, 2);
    assert_eq!(manifest(&output), expected);
}

#[test]
fn a_finished_run_is_skipped_until_something_changes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 30);
    let output = folder.path().join("out");
    assert!(!run_site(&site, &output, 2).skipped);
    assert!(run_site(&site, &output, 2).skipped);
    fs::remove_file(site.join("articles/007.html")).expect("removes");
    let outcome = run_site(&site, &output, 2);
    assert!(!outcome.skipped);
    let kept = outcome.funnel.tokens.train.documents + outcome.funnel.tokens.valid.documents;
    assert_eq!(kept, 31, "the near duplicate of the removed article takes its place");
    fs::remove_file(output.join("heldout.jsonl")).expect("removes");
    assert!(!run_site(&site, &output, 2).skipped);
    assert!(output.join("heldout.jsonl").exists());
}
