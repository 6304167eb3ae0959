//! Bad input: one clear message, exit code 2, no panic.

use crate::runs::{Bench, told};

/// Change of the bench, extra arguments, parts of the message.
type Case = (&'static str, fn(&Bench), &'static [&'static str], &'static [&'static str]);

const SET: &str = "name = \"bad\"\nsource = { files = [\"questions.jsonl\"] }\n\
                   reader = { input = [\"question\"], output = \"answer\" }\n\
                   prompt = { text = \"{question}\" }\ninfer = { mode = \"gen\" }\nscore = { evaluator = \"acc\" }\n";

/// Writes the dataset `bad` with `from` replaced.
fn bad(bench: &Bench, from: &str, to: &str) {
    assert!(SET.contains(from), "{from}");
    bench.write("sets/bad.toml", &SET.replace(from, to));
}

const CASES: &[Case] = &[
    (
        "no run file",
        |bench| std::fs::remove_file(bench.path("run.toml")).expect("removes"),
        &[],
        &["run.toml", "cannot read the config"],
    ),
    (
        "unknown key of the run file",
        |_| (),
        &["--set", "run.wrokers=3"],
        &["wrokers", "nearest known key: `workers`"],
    ),
    (
        "wrong type",
        |_| (),
        &["--set", "run.workers=many"],
        &["--set run.workers=many: found \"many\", expected a whole number"],
    ),
    (
        "several problems at once",
        |_| (),
        &["--set", "run.workers=0", "--set", "run.datasets=[]"],
        &["2 problems", "run.workers: found 0", "run.datasets: found none"],
    ),
    (
        "unknown dataset",
        |_| (),
        &["--datasets", "sum"],
        &["dataset `sum`: not found", "nearest known name: `sums`"],
    ),
    (
        "missing data file",
        |bench| bad(bench, "questions.jsonl", "nowhere.jsonl"),
        &["--datasets", "bad"],
        &["dataset bad", "data file not found, looked for nowhere.jsonl"],
    ),
    (
        "missing zip member",
        |bench| bad(bench, "questions.jsonl", "questions.jsonl!a.csv"),
        &["--datasets", "bad"],
        &["questions.jsonl: expected a zip archive"],
    ),
    (
        "empty dataset",
        |bench| {
            bench.write("empty.jsonl", "\n");
            bad(bench, "questions.jsonl", "empty.jsonl");
        },
        &["--datasets", "bad"],
        &["dataset bad: empty.jsonl: found no rows to score"],
    ),
    (
        "line that is no JSON",
        |bench| {
            bench.write("broken.jsonl", "{\"question\": \"1\", \"answer\": \"2\"}\n{\"question\": \n");
            bad(bench, "questions.jsonl", "broken.jsonl");
        },
        &["--datasets", "bad"],
        &["broken.jsonl: line 2", "expected a JSON object"],
    ),
    (
        "bytes that are not UTF-8",
        |bench| {
            std::fs::write(bench.path("binary.jsonl"), b"{\"q\": \"\xff\"}").expect("writes");
            bad(bench, "questions.jsonl", "binary.jsonl");
        },
        &["--datasets", "bad"],
        &["binary.jsonl: byte 7: found bytes that are not UTF-8"],
    ),
    (
        "altered file",
        |bench| {
            bad(bench, "files = [\"questions.jsonl\"]", "files = [\"questions.jsonl\"], sha256 = [\"00\"]");
        },
        &["--datasets", "bad"],
        &["found sha256", "expected 00; the dataset is not used"],
    ),
    (
        "unknown key of a dataset",
        |bench| bad(bench, "prompt =", "promt ="),
        &["--datasets", "bad"],
        &["sets/bad.toml", "line 4", "nearest known key: `prompt`"],
    ),
    (
        "missing column",
        |bench| bad(bench, "\"question\"]", "\"query\"]"),
        &["--datasets", "bad"],
        &["row 0: found the columns question, answer, A, B, key, expected `query`"],
    ),
    (
        "unknown evaluator",
        |bench| bad(bench, "\"acc\"", "\"accuracy\""),
        &["--datasets", "bad"],
        &["dataset bad: score.evaluator: evaluator: found `accuracy`"],
    ),
    (
        "unknown post-processor",
        |bench| bad(bench, "\"acc\"", "\"acc\", post = [\"gsm8\"]"),
        &["--datasets", "bad"],
        &["post-processor: found `gsm8`, expected `gsm8k`?"],
    ),
    (
        "ppl without labels",
        |bench| bad(bench, "\"gen\"", "\"ppl\""),
        &["--datasets", "bad"],
        &["prompt.labels: found 0, expected two or more for mode ppl"],
    ),
    (
        "evaluator of another mode",
        |bench| bad(bench, "\"acc\"", "\"bits_per_byte\""),
        &["--datasets", "bad"],
        &["infer.mode: found gen, expected rolling for evaluator bits_per_byte"],
    ),
    (
        "tools outside of a conversation",
        |bench| bad(bench, "\"gen\"", "\"gen\", tools = [{ description = \"d\" }]"),
        &["--datasets", "bad"],
        &[
            "infer.tools: found 1 in mode gen, expected mode chat",
            "infer.tools.0: found {\"description\":\"d\"}, expected a function",
        ],
    ),
    (
        "settings that nothing reads",
        |bench| bad(bench, "\"gen\"", "\"gen\", sc_size = 4, k = [2]"),
        &["--datasets", "bad"],
        &[
            "infer.sc_size: found it for mode gen, which does not read it, expected mode sc",
            "infer.k: found 2, expected 1 to 1, the number of answers (infer.n)",
        ],
    ),
    (
        "examples without a rule",
        |bench| bad(bench, "infer =", "few_shot = { ids = [0] }\ninfer ="),
        &["--datasets", "bad"],
        &["few_shot.ids: found it for retriever zero, which does not read it, expected retriever fixk"],
    ),
    (
        "context of one token",
        |_| (),
        &["--set", "model.max-seq-len=1"],
        &["model.max-seq-len: found 1, expected 2 or more"],
    ),
    (
        "keys of another kind of model",
        |_| (),
        &["--set", "model.device=cuda:0", "--set", "model.requests-per-minute=5"],
        &[
            "model.requests-per-minute: found it for kind mock, which does not read it, expected kind api",
            "model.device: found it for kind mock, which does not read it, expected kind local",
        ],
    ),
    (
        "bad slice",
        |_| (),
        &["--set", "test-range.sums=first"],
        &["test-range.sums", "expected a Python slice"],
    ),
    ("range of another set", |_| (), &["--set", "test-range.other=[:3]"], &["dataset `other`: not found"]),
    (
        "server that is not there",
        |_| (),
        &[
            "--set",
            "model.kind=api",
            "--set",
            "model.base-url=http://127.0.0.1:9",
            "--set",
            "model.retries=0",
        ],
        &["model mock: no answer from http://127.0.0.1:9"],
    ),
    (
        "URL that is none",
        |_| (),
        &["--set", "model.kind=api", "--set", "model.base-url=localhost"],
        &["model mock", "found `localhost`, expected http://host:port"],
    ),
    ("API without URL", |_| (), &["--set", "model.kind=api"], &["model.base-url: found none"]),
    (
        "unknown run",
        |_| (),
        &["-w", "outputs", "-r", "20240101_000000"],
        &["run `20240101_000000`: not found"],
    ),
    (
        "unknown flat number",
        |_| (),
        &["--set", "flat-summary.x=nothing/accuracy"],
        &["dataset `nothing`: not found"],
    ),
];

#[test]
fn bad_input_is_told_in_one_message_with_exit_code_2() {
    for (name, change, arguments, parts) in CASES {
        let bench = Bench::new(4);
        change(&bench);
        let (code, stderr) = told(&bench.run(&[&["run.toml"], *arguments].concat()));
        assert_eq!(code, Some(2), "{name}: {stderr}");
        assert!(!stderr.contains("panicked"), "{name}: {stderr}");
        for part in *parts {
            assert!(stderr.contains(part), "{name}: expected `{part}` in: {stderr}");
        }
    }
}

#[test]
fn usage_errors_are_exit_code_2() {
    let bench = Bench::new(1);
    for arguments in [&["--no-such-flag"][..], &[], &["why", "out"]] {
        assert_eq!(told(&bench.run(arguments)).0, Some(2), "{arguments:?}");
    }
}
