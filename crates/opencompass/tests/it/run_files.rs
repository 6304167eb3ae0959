//! Run files and the arguments that replace parts of them.

use std::fs;

use crate::runs::{Bench, told};

/// Exit code, stdout and stderr.
fn ran(bench: &Bench, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = bench.run(arguments);
    let (code, stderr) = told(&output);
    (code, String::from_utf8_lossy(&output.stdout).into_owned(), stderr)
}

const RUN: &str = "[run]\ndatasets = [\"sums\"]\nfolder = \"out\"\ndataset-dirs = [\"sets\"]\nworkers = 2\n";
const MODEL: &str = "[model]\nname = \"said\"\nkind = \"mock\"\n";

#[test]
fn models_of_the_command_line_complete_a_run_file() {
    let bench = Bench::new(3);
    bench.write("run.toml", RUN);
    let (code, _, stderr) = ran(&bench, &["run.toml"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("run.toml: model: expected either one [model]"), "{stderr}");
    let (code, stdout, stderr) = ran(&bench, &["run.toml", "--models", "mock"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("dataset") && stdout.contains("sums"), "{stdout}");
    let resolved = fs::read_to_string(bench.path("out/configs/run.toml")).expect("reads");
    assert!(resolved.contains("workers = 2") && resolved.contains("name = \"mock\""), "{resolved}");
    // Everything else of the file is still checked.
    let (code, _, stderr) = ran(&bench, &["run.toml", "--models", "mock", "--set", "run.workers=0"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("run.toml: run.workers: found 0"), "{stderr}");
}

#[test]
fn models_of_the_command_line_replace_those_of_a_run_file() {
    let bench = Bench::new(3);
    // Nobody connects to the model that is replaced, so it may be unfinished.
    bench.write("run.toml", &format!("{RUN}[model]\nname = \"unfinished\"\n"));
    assert_eq!(ran(&bench, &["run.toml"]).0, Some(2));
    let (code, stdout, stderr) = ran(&bench, &["run.toml", "--models", "mock"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("mock") && !stdout.contains("unfinished"), "{stdout}");
    // A key of a model that is not evaluated is refused; it may be a secret.
    let (code, _, stderr) =
        ran(&bench, &["run.toml", "--models", "mock", "--set", "model.api-key=secret", "--dry-run"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("--set model.api-key: found models that --models replaces"), "{stderr}");
    assert!(!stderr.contains("secret"), "{stderr}");
    // A name of the run file means its model with all its keys.
    bench.write("run.toml", &format!("{RUN}{MODEL}"));
    let named = ["run.toml", "--models", "sa*", "--set", "model.max-seq-len=64", "--dry-run"];
    let (code, stdout, stderr) = ran(&bench, &named);
    assert_eq!((code, stdout.as_str()), (Some(0), "said x sums: 3 items, 3 requests\n"), "{stderr}");
}

#[test]
fn prompts_are_shown_without_any_model() {
    let bench = Bench::new(1);
    bench.write("run.toml", RUN);
    let (code, stdout, stderr) = ran(&bench, &["prompt-viewer", "run.toml"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("--- mock x sums, row 0\n[HUMAN]\n0 + 1\n"), "{stdout}");
}

#[test]
fn datasets_of_the_command_line_complete_a_run_file() {
    let bench = Bench::new(3);
    for run in [MODEL.to_owned(), format!("[run]\nworkers = 2\n{MODEL}")] {
        bench.write("run.toml", &run);
        let (code, _, stderr) = ran(&bench, &["run.toml"]);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains("run.toml: run.datasets: found none, expected names"), "{stderr}");
        let (code, stdout, stderr) = ran(&bench, &["run.toml", "--datasets", "sets/sums.toml", "--dry-run"]);
        assert_eq!((code, stdout.as_str()), (Some(0), "said x sums: 3 items, 3 requests\n"), "{stderr}");
    }
}
