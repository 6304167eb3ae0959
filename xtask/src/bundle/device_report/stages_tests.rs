//! The stages that measure, with programs that only print: what they find is in the report.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Report, read};
use crate::bundle::archive::Archive;
use crate::bundle::device_bundle::SCRIPTS;
use crate::workspace;

/// Lines as `internlm-train bench --json` prints them.
const TRAIN: &str = r#"echo 'a line of the log'
echo '{"shape":"4m","tokens":16,"tokens_per_second":16.0,"flops_per_second":2e9,"peak_bytes":123}'
"#;
/// Lines as `lmdeploy bench generation --json` and `bench serving --json` print them.
const SERVE: &str = r#"case "$2" in
serving) printf '{\n "requests": 4,\n "failed": 0,\n "prompt_tokens": 44,\n "tok_s": 30.0\n}\n' ;;
*) echo '{"phase":"load","seconds":1.0,"first_token_seconds":2.5}'
echo '{"phase":"decode","batch":2,"context":8,"tokens_per_second":40.0,"reserved_bytes":null}'
echo '{"phase":"prefill","batch":1,"context":16,"tokens_per_second":90.0,"reserved_bytes":null}' ;;
esac
"#;

/// A bundle of shell scripts in place of programs.
fn bundle(folder: &Path) {
    let programs = folder.join("programs");
    fs::create_dir(&programs).expect("a folder");
    for (name, text) in [("internlm-train", TRAIN), ("lmdeploy", SERVE)] {
        let path = programs.join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}")).expect("writes");
        assert!(Command::new("chmod").arg("+x").arg(&path).status().expect("starts").success());
    }
    let bundle = folder.join("bundle");
    let mut archive = Archive::new("programs", &bundle).expect("creates");
    archive.add_folder(&programs, ".").expect("adds");
    archive.pack().expect("packs");
    fs::write(bundle.join("commit"), "abc\n").expect("writes");
    for name in SCRIPTS {
        fs::copy(workspace::root().join("xtask/device").join(name), bundle.join(name)).expect("copies");
    }
}

fn run_stages(folder: &Path, only: &str) -> Option<Report> {
    let work = folder.join("work");
    fs::create_dir(&work).expect("a folder");
    let mut python = Command::new("python3");
    python.arg(folder.join("bundle/stages.py")).arg("--bundle").arg(folder.join("bundle"));
    python.arg("--work").arg(&work).arg("--out").arg(folder.join("out"));
    python.args(["--device", "vulkan:0", "--tiny", "--only", only]);
    // Machines without Python have nothing to run the stages with.
    let done = python.output().ok()?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(read(&folder.join("out/report.json")).expect("a report"))
}

#[test]
fn what_programs_print_is_in_the_report() {
    let folder = tempfile::tempdir().expect("temporary folder");
    bundle(folder.path());
    let Some(report) = run_stages(folder.path(), "6,7,8,10,11") else { return };
    assert!(report.stages.iter().all(|stage| stage.exit == 0), "{:?}", report.stages);
    let figures: Vec<(&str, &str)> =
        report.benches.iter().map(|bench| (bench.name.as_str(), bench.unit.as_str())).collect();
    for figure in [
        ("train 4m", "tokens/s"),
        ("decode 4m", "tokens/s"),
        ("prefill 4m", "tokens/s"),
        ("first token 4m", "s"),
        ("graphs over single launches 4m", "x"),
        ("decode 4m w4a32", "tokens/s"),
        ("keys int8 over floats 4m", "x"),
        ("keys int4 over floats 4m", "x"),
        ("server 4m", "tokens/s"),
        ("server over decode", "x"),
    ] {
        assert!(figures.contains(&figure), "{figure:?} in {figures:?}");
    }
    assert!(report.benches.iter().all(|bench| bench.passed == Some(true) && bench.ratio.is_none()));
    assert!(report.skipped.is_empty(), "{:?}", report.skipped);
}

#[test]
fn a_figure_of_pytorch_stands_next_to_ours() {
    let folder = tempfile::tempdir().expect("temporary folder");
    bundle(folder.path());
    let out = folder.path().join("out");
    fs::create_dir(&out).expect("a folder");
    let results = r#"{"kind":"bench","name":"train","shape":"a","value":6.0,"unit":"x","floor":5,"ratio_floor":0.5}
{"kind":"bench","name":"train","shape":"b","value":6.0,"unit":"x","floor":7}
{"kind":"bench","name":"first","shape":"a","value":6.0,"unit":"s","floor":7,"better":"lower"}
{"kind":"bench","name":"train","shape":"c","value":6.0,"unit":"x","ratio_floor":0.5}
{"kind":"bench","name":"train","shape":"d","value":6.0,"unit":"x","ratio_floor":0.5}
{"kind":"torch","name":"train","shape":"a","value":10.0}
{"kind":"torch","name":"train","shape":"c","value":20.0}
"#;
    fs::write(out.join("results.jsonl"), results).expect("writes");
    let Some(report) = run_stages(folder.path(), "1") else { return };
    let found: Vec<(Option<f64>, Option<bool>)> =
        report.benches.iter().map(|bench| (bench.ratio, bench.passed)).collect();
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(found, [(Some(0.6), yes), (None, no), (None, yes), (Some(0.3), no), (None, None)]);
}
