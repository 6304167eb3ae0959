//! Whole runs through the binary: workers, kills at any byte, failures, refusals.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A run folder with a dataset of every mode and a run file on the mock model.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new(rows: usize) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let bench = Self { folder };
        let mut questions = String::new();
        let mut texts = String::new();
        for row in 0..rows {
            questions.push_str(&format!(
                "{{\"question\": \"{row} + 1\", \"answer\": \"{}\", \"A\": \"a{row}\", \"B\": \"bb{row}\", \"key\": \"{}\"}}\n",
                row + 1,
                if row % 2 == 0 { "A" } else { "B" },
            ));
            texts.push_str(&format!(
                "{{\"content\": \"{}\"}}\n",
                format!("Zeile {row} — ").repeat(row % 7 * 20 + 1)
            ));
        }
        bench.write("questions.jsonl", &questions);
        bench.write("texts.jsonl", &texts);
        bench.write(
            "sets/sums.toml",
            "name = \"sums\"\nsource = { files = [\"questions.jsonl\"] }\n\
             reader = { input = [\"question\"], output = \"answer\" }\n\
             prompt = { rounds = [{ role = \"HUMAN\", prompt = \"{question}\" }] }\n\
             infer = { mode = \"gen\" }\nscore = { evaluator = \"number\", post = [\"last_number\"] }\n",
        );
        bench.write(
            "sets/pick.toml",
            "name = \"pick\"\nsource = { files = [\"questions.jsonl\"] }\n\
             reader = { input = [\"question\", \"A\", \"B\"], output = \"key\" }\n\
             prompt = { labels = { A = \"{question}: {A}\", B = \"{question}: {B}\" } }\n\
             infer = { mode = \"ppl\" }\nscore = { evaluator = \"acc\" }\n",
        );
        bench.write(
            "sets/texts.toml",
            "name = \"texts\"\nsource = { files = [\"texts.jsonl\"] }\nreader = { input = [\"content\"] }\n\
             infer = { mode = \"rolling\" }\nscore = { evaluator = \"bits_per_byte\" }\n",
        );
        bench.write(
            "run.toml",
            "[run]\ndatasets = [\"sums\", \"pick\", \"texts\"]\nfolder = \"out\"\ndataset-dirs = [\"sets\"]\n\
             [model]\nname = \"mock\"\nkind = \"mock\"\nmax-seq-len = 64\n\
             [flat-summary]\nsums = \"sums/accuracy\"\nbits = \"texts/bits_per_byte\"\n",
        );
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds the dataset `calls`, whose answers are calls of a calculator.
    pub(crate) fn write_calls(&self) {
        self.write(
            "sets/calls.toml",
            "name = \"calls\"\nsource = { files = [\"questions.jsonl\"] }\n\
             reader = { input = [\"question\"], output = \"answer\" }\n\
             prompt = { rounds = [{ role = \"HUMAN\", prompt = \"{question}\" }] }\n\
             infer = { mode = \"chat\", max_out_len = 256, tools = [{ name = \"Calculator\", description = \"d\", parameters = { type = \
             \"object\", properties = { question = { type = \"string\" } }, required = [\"question\"] } }] }\n\
             score = { evaluator = { name = \"tool_call\", argument = \"question\" } }\n",
        );
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
        fs::write(path, text).expect("writes");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_opencompass"));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary starts")
    }
}

/// Exit code and stderr.
pub(crate) fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Bytes of predictions, results and summary by name.
pub(crate) fn bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut pending = ["predictions", "results", "summary"].map(|name| folder.join(name)).to_vec();
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the run") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
            } else {
                files.insert(path.clone(), fs::read(&path).expect("reads"));
            }
        }
    }
    files
}

#[test]
fn every_worker_count_gives_the_same_bytes() {
    let bench = Bench::new(40);
    let mut expected = None;
    for workers in ["1", "2", "4", "16"] {
        let _ = fs::remove_dir_all(bench.path("out"));
        let output = bench.run(&["run.toml", "--max-num-workers", workers]);
        assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);
        let found = bytes(&bench.path("out"));
        assert!(found.len() >= 10, "{:?}", found.keys());
        assert_eq!(*expected.get_or_insert_with(|| found.clone()), found, "{workers} workers");
    }
    let summary = fs::read_to_string(bench.path("out/summary.json")).expect("reads");
    assert!(summary.contains("\"bits\": 8.0") && summary.contains("\"items\": 120"), "{summary}");
}

#[test]
fn every_partitioner_gives_the_same_bytes() {
    let bench = Bench::new(70);
    let mut expected = None;
    for partitioner in [
        "{ kind = \"naive\" }",
        "{ kind = \"size\", max-task-size = 100 }",
        "{ kind = \"size\", max-task-size = 40, strategy = \"split\" }",
        "{ kind = \"num_worker\", num-worker = 3 }",
        "{ kind = \"num_worker\", num-worker = 4, num-split = 2, strategy = \"split\" }",
    ] {
        let _ = fs::remove_dir_all(bench.path("out"));
        let set = format!("run.partitioner={partitioner}");
        let output = bench.run(&["run.toml", "--set", &set, "--max-num-workers", "3"]);
        assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);
        let found = bytes(&bench.path("out"));
        assert_eq!(*expected.get_or_insert_with(|| found.clone()), found, "{partitioner}");
    }
    let output =
        bench.run(&["run.toml", "--set", "run.partitioner={ kind = \"num_worker\", num-worker = 0 }"]);
    assert_eq!(told(&output).0, Some(2));
    assert!(told(&output).1.contains("run.partitioner.num-worker: found 0"), "{}", told(&output).1);
}

#[test]
fn a_finished_run_has_logs_and_no_temporary_files() {
    let bench = Bench::new(3);
    assert_eq!(told(&bench.run(&["run.toml", "-m", "infer"])).0, Some(0));
    let notes = fs::read_to_string(bench.path("out/predictions/mock/tmp_sums.jsonl")).expect("notes");
    assert_eq!(notes.lines().count(), 3, "{notes}");
    let log = fs::read_to_string(bench.path("out/logs/infer/mock/pick.out")).expect("a log");
    assert!(log.contains("3 items, 6 requests, 6 answers stored"), "{log}");
    assert_eq!(told(&bench.run(&["run.toml", "-m", "eval"])).0, Some(0));
    assert!(!bench.path("out/predictions/mock/tmp_sums.jsonl").exists());
    let log = fs::read_to_string(bench.path("out/logs/eval/mock/sums.out")).expect("a log");
    assert!(log.contains("accuracy: ") && log.contains("3 of 3 items answered"), "{log}");
}

#[test]
fn the_table_is_made_again_from_the_results() {
    let bench = Bench::new(5);
    let first = bench.run(&["run.toml"]);
    assert_eq!(told(&first).0, Some(0));
    let expected = bytes(&bench.path("out"));
    fs::remove_file(bench.path("out/store.jsonl")).expect("removes");
    fs::remove_file(bench.path("out/summary/summary_out.csv")).expect("removes");
    let again = bench.run(&["run.toml", "-m", "viz"]);
    assert_eq!(told(&again).0, Some(0), "{}", told(&again).1);
    assert_eq!(again.stdout, first.stdout);
    assert_eq!(bytes(&bench.path("out")), expected);
    bench.write("rows.toml", "rows = [\"pick\"]\n");
    let rows = bench.run(&["run.toml", "-m", "viz", "--summarizer", "rows.toml"]);
    let table = String::from_utf8_lossy(&rows.stdout).into_owned();
    assert!(table.contains("pick") && !table.contains("sums"), "{table}");
    for (other, keys) in
        [(["--set", "run.seed=1"], "run.seed"), (["--datasets", "sums"], "run.datasets, prompts.pick")]
    {
        let (code, stderr) = told(&bench.run(&[&["run.toml", "-m", "viz"], &other[..]].concat()));
        assert_eq!(code, Some(2), "{other:?}: {stderr}");
        assert!(stderr.contains(&format!("differs in {keys}")), "{other:?}: {stderr}");
    }
    fs::remove_file(bench.path("out/results/mock/sums.json")).expect("removes");
    let partial = bench.run(&["run.toml", "-m", "viz"]);
    assert_eq!(told(&partial).0, Some(3), "a cell without a result");
}

#[test]
fn a_run_file_is_not_needed() {
    let bench = Bench::new(4);
    bench.write("quiz.csv", "question,A,B,answer\nwhat?,this,that,A\nwho?,he,she,B\n");
    let flags = ["--models", "mock", "-w", "outputs", "--custom-dataset-path", "quiz.csv"];
    let ran = bench.run(&[&flags[..], &["--custom-dataset-infer-method", "ppl"]].concat());
    assert_eq!(told(&ran).0, Some(0), "{}", told(&ran).1);
    let table = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(table.contains("quiz") && table.contains("ppl"), "{table}");
    let sets = ["--models", "mock", "-w", "outputs", "--datasets", "sets/sums.toml", "--max-out-len", "7"];
    let ran = bench.run(&[&sets[..], &["--dataset-num-runs", "2"]].concat());
    assert_eq!(told(&ran).0, Some(0), "{}", told(&ran).1);
    let warning = "mock x sums: the 2 answers to a question are all the same with greedy decoding";
    assert!(told(&ran).1.contains(warning), "{}", told(&ran).1);
    for (arguments, part) in [
        (&["--datasets", "sets/sums.toml"][..], "found no run file and no --models"),
        (&["--models", "nobody", "--datasets", "sets/sums.toml"], "model `nobody`: not found"),
        (&["run.toml", "--models", "mok"], "nearest known name: `mock`"),
    ] {
        let (code, stderr) = told(&bench.run(arguments));
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
}

/// A stub of Slurm: runs the tasks of an array one after the other, the last one first.
const SBATCH: &str = "#!/bin/sh\nfor argument; do\n  case $argument in\n    --array=0-*) last=${argument#--array=0-};;\n\
                      esac\n  script=$argument\ndone\ntask=$last\nwhile [ \"$task\" -ge 0 ]; do\n\
                      SLURM_ARRAY_TASK_ID=$task sh \"$script\" || failed=1\n  task=$((task - 1))\ndone\n\
                      echo \"$@\" > sbatch.called\nexit ${failed:-0}\n";

#[test]
fn a_job_array_gives_the_same_bytes() {
    let bench = Bench::new(40);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let expected = bytes(&bench.path("out"));
    fs::remove_dir_all(bench.path("out")).expect("removes");
    bench.write("bin/sbatch", SBATCH);
    let path = format!("{}:{}", bench.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    let array = |more: &[&str]| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(bench.path("bin/sbatch"), mode).expect("sets");
        let mut command = bench.command(&[&["run.toml", "--launcher", "slurm", "-p", "gpu"], more].concat());
        command.env("PATH", &path).output().expect("the binary starts")
    };
    let output = array(&["--set", "run.partitioner={ kind = \"num_worker\", num-worker = 3 }"]);
    assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);
    assert_eq!(bytes(&bench.path("out")), expected);
    let called = fs::read_to_string(bench.path("sbatch.called")).expect("sbatch was called");
    assert!(called.contains("--wait --array=0-2 --partition=gpu"), "{called}");
    // An array of which one task is killed leaves its items out, and the next array asks only those.
    bench.write("bin/sbatch", &SBATCH.replace("-ge 0", "-ge 1"));
    fs::remove_dir_all(bench.path("out")).expect("removes");
    let (code, stderr) = told(&array(&[]));
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("not asked yet"), "{stderr}");
    bench.write("bin/sbatch", SBATCH);
    let (code, stderr) = told(&array(&[]));
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(bytes(&bench.path("out")), expected);
    let (code, stderr) =
        told(&bench.command(&["run.toml", "--launcher", "slurm"]).env("PATH", "").output().expect("runs"));
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("needs a Slurm cluster"), "{stderr}");
    // A key would be in a file of the shared folder, whoever it belongs to.
    let run = fs::read_to_string(bench.path("run.toml")).expect("reads");
    let retrieval = "[retrieval]\nname = \"vectors\"\nbase-url = \"http://127.0.0.1:1\"\napi-key = \"k\"\n";
    bench.write("run.toml", &(run + retrieval));
    let (code, stderr) = told(&array(&["--set", "run.folder=other"]));
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("model vectors: found an api-key"), "{stderr}");
}

#[test]
fn a_run_killed_while_it_asks_ends_with_the_same_bytes() {
    let bench = Bench::new(400);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let expected = bytes(&bench.path("out"));
    fs::remove_dir_all(bench.path("out")).expect("removes");
    for milliseconds in [5, 10, 20, 30, 40, 60, 80] {
        let mut running =
            bench.command(&["run.toml"]).stderr(std::process::Stdio::null()).spawn().expect("starts");
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        // On Unix this is kill -9; the run may be done already.
        let _ = running.kill();
        running.wait().expect("ends");
    }
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    assert_eq!(bytes(&bench.path("out")), expected);
}

#[test]
fn a_run_killed_at_any_byte_of_its_store_ends_with_the_same_bytes() {
    let bench = Bench::new(12);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let expected = bytes(&bench.path("out"));
    let store = fs::read(bench.path("out/store.jsonl")).expect("reads");
    let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    let rng = internlm_kit::rng::CounterRng::new(7, "kills");
    for kill in 0..100 {
        let cut = rng.below(kill, store.len() as u64 + 1) as usize;
        fs::remove_dir_all(bench.path("out")).expect("removes");
        fs::create_dir_all(bench.path("out")).expect("creates");
        fs::write(bench.path("out/store.jsonl"), &store[..cut]).expect("writes");
        let output = bench.run(&["run.toml"]);
        assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);
        let again = fs::read(bench.path("out/store.jsonl")).expect("reads");
        let whole = store[..cut].iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        assert_eq!(again[..whole], store[..whole], "stored items are kept, cut at {cut}");
        assert_eq!(lines(&again), lines(&store), "nothing is asked twice, cut at {cut}");
        assert_eq!(bytes(&bench.path("out")), expected, "cut at {cut}");
    }
}

#[test]
fn scoring_again_needs_no_model_and_missing_items_are_said() {
    let bench = Bench::new(6);
    assert_eq!(told(&bench.run(&["run.toml", "-m", "infer"])).0, Some(0));
    assert!(!bench.path("out/results").exists());
    assert_eq!(told(&bench.run(&["run.toml", "-m", "eval"])).0, Some(0));
    let expected = bytes(&bench.path("out"));
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    assert_eq!(bytes(&bench.path("out")), expected);
    fs::remove_file(bench.path("out/store.jsonl")).expect("removes");
    let (code, stderr) = told(&bench.run(&["run.toml", "-m", "eval"]));
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stderr.contains("mock x sums: 6 items failed, the first: not asked yet"), "{stderr}");
}

#[test]
fn a_timestamped_run_goes_on_only_with_its_own_configuration() {
    let bench = Bench::new(3);
    let arguments = ["run.toml", "-w", "outputs", "--datasets", "sums"];
    assert_eq!(told(&bench.run(&arguments)).0, Some(0));
    let again = [&arguments[..], &["-r", "latest"]].concat();
    assert_eq!(told(&bench.run(&again)).0, Some(0));
    assert_eq!(fs::read_dir(bench.path("outputs")).expect("runs").count(), 1);
    let other = [&again[..], &["--set", "run.seed=1"]].concat();
    let (code, stderr) = told(&bench.run(&other));
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("differs in run.seed"), "{stderr}");
}

#[test]
fn cells_without_log_probabilities_are_refused_or_skipped() {
    let bench = Bench::new(3);
    let (code, stderr) = told(&bench.run(&["run.toml", "--set", "model.log-probs=false"]));
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("mock x pick: the dataset needs log-probabilities"), "{stderr}");
    assert!(!bench.path("out/store.jsonl").exists());
    let skip = ["run.toml", "--set", "model.log-probs=false", "--set", "run.unsupported=skip"];
    let (code, stderr) = told(&bench.run(&skip));
    assert_eq!(code, Some(3), "{stderr}");
    let why = bench.run(&["why", "out", "mock", "pick"]);
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(why.contains("no score, because the dataset needs log-probabilities"), "{why}");
}

#[test]
fn why_shows_the_chain_of_an_item() {
    let bench = Bench::new(3);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let output = bench.run(&["why", "out", "mock", "sums", "1"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["prediction: 1 + 1", "extracted: 1", "expected: 2", "correct: false"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let (code, stderr) = told(&bench.run(&["why", "out", "mock", "sums", "99"]));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("the set has 3 items"), "{stderr}");
}
