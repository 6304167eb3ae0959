//! Killed runs end with the same bytes and do not repeat finished units.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use internlm_kit::context::RunContext;
use internlm_kit::exit::BadInput;
use internlm_kit::reporter::{Progress, Reporter};
use internlm_kit::stop::Stop;
use wanjuan_data::executor::{Corpus, Force, RunOptions, run};
use wanjuan_data::{Error, PipelineConfig};

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

/// Requests a stop when so many units of any work are done.
#[derive(Clone, Debug)]
struct StopAfter {
    stop: Stop,
    left: Arc<AtomicU64>,
}

impl Reporter for StopAfter {
    fn start(&self, _: &str, _: &str, _: u64) -> Box<dyn Progress> {
        Box::new(self.clone())
    }
}

impl Progress for StopAfter {
    fn advance(&self, units: u64) {
        let before = self.left.fetch_update(SeqCst, SeqCst, |left| Some(left.saturating_sub(units)));
        if before.is_ok_and(|before| before <= units) {
            self.stop.request();
        }
    }

    fn message(&self, _: &str) {}
}

#[test]
fn a_stopped_run_keeps_its_units_and_resumes_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 40);
    let (reference, output) = (folder.path().join("reference"), folder.path().join("out"));
    run_site(&site, &reference, 2);
    let config: PipelineConfig =
        internlm_kit::config::parse(&pipeline_toml(&site, &output), "test.toml").expect("parses");
    let mut stops = 0;
    let mut done = 0;
    for after in [0, 1, 30, 52, 56, 60, 80] {
        let reporter = StopAfter { stop: Stop::new(), left: Arc::new(AtomicU64::new(after)) };
        if after == 0 {
            reporter.stop.request();
        }
        let context =
            RunContext::default().with_stop(reporter.stop.clone()).with_reporter(Arc::new(reporter));
        let options = RunOptions::default().with_threads(1);
        match run(&config, &Corpus::pages(&site), options, &context) {
            Err(Error::Stopped) => stops += 1,
            other => assert!(!other.expect("fails only because it was stopped").skipped || stops > 1),
        }
        let journal = fs::read_to_string(output.join("work/manifest.jsonl")).expect("reads");
        assert!(units(&journal).len() >= done, "no finished unit is lost");
        done = units(&journal).len();
    }
    assert!(stops >= 2, "{stops} of the runs were stopped");
    run_site(&site, &output, 2);
    assert_eq!(manifest(&output), manifest(&reference));
    let journal = fs::read_to_string(output.join("work/manifest.jsonl")).expect("reads");
    assert_eq!(units(&journal).len(), new_units("", &journal), "no unit is done twice");
}

#[test]
fn a_second_run_in_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 12);
    let output = folder.path().join("out");
    let held = internlm_kit::journal::Journal::open::<serde_json::Value>(
        output.join("work/manifest.jsonl"),
        internlm_kit::journal::Durability::Process,
    )
    .expect("opens");
    let config: PipelineConfig =
        internlm_kit::config::parse(&pipeline_toml(&site, &output), "test.toml").expect("parses");
    let once = || run(&config, &Corpus::pages(&site), RunOptions::default(), &RunContext::default());
    let error = once().expect_err("another run is in the folder");
    assert!(error.is_bad_input() && error.to_string().contains("found another process"), "{error}");
    drop(held);
    assert!(!once().expect("runs").skipped);
}

/// A run that has been asked to stop takes finished units over, and stops at the first one that needs work.
#[test]
fn force_does_finished_units_again() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 12);
    let output = folder.path().join("out");
    run_site(&site, &output, 2);
    let files = manifest(&output);
    fs::remove_file(output.join("work/finished.json")).expect("removes");
    let config: PipelineConfig =
        internlm_kit::config::parse(&pipeline_toml(&site, &output), "test.toml").expect("parses");
    let stopped = RunContext::default();
    stopped.stop.request();
    let once = |force, context: &RunContext| {
        run(&config, &Corpus::pages(&site), RunOptions::default().with_force(force), context)
    };
    assert!(!once(Force::Resume, &stopped).expect("nothing needs work").skipped);
    assert!(matches!(once(Force::Redo, &stopped), Err(Error::Stopped)));
    assert!(!once(Force::Resume, &RunContext::default()).expect("runs").skipped);
    assert_eq!(manifest(&output), files);
}
