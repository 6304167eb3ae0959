//! What a user meets on the command line: judges that are not needed, runs that are repeated, words that are wrong.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use internlm_kit::testing::{Request, Response, TestServer};
use opencompass::dataset::{Catalog, list_version};
use serde_json::{Value, json};

use crate::runs::{Bench, bytes, told};

/// Exit code, stdout and stderr.
fn ran(bench: &Bench, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = bench.run(arguments);
    let (code, stderr) = told(&output);
    (code, String::from_utf8_lossy(&output.stdout).into_owned(), stderr)
}

/// Adds the dataset `judged` and a run file with only this one; `judge` has the further keys of its judge.
fn write_judged(bench: &Bench, judge: &str) {
    bench.write(
        "sets/judged.toml",
        "name = \"judged\"\nsource = { files = [\"questions.jsonl\"] }\n\
         reader = { input = [\"question\"], output = \"answer\" }\n\
         prompt = { rounds = [{ role = \"HUMAN\", prompt = \"{question}\" }] }\n\
         infer = { mode = \"gen\" }\n\
         score = { evaluator = { name = \"judge\", judge = { prompt = \"Is {prediction} the same as {reference}?\" } } }\n",
    );
    bench.write(
        "run.toml",
        &format!(
            "[run]\ndatasets = [\"judged\"]\nfolder = \"out\"\ndataset-dirs = [\"sets\"]\n\
             [model]\nname = \"mock\"\nkind = \"mock\"\n[[judges]]\nname = \"judge\"\n{judge}\n"
        ),
    );
}

fn says_a(request: &Request) -> Response {
    match request.path.as_str() {
        "/v1/models" => Response::models(512),
        _ => Response::chat("A", Value::Null),
    }
}

#[test]
fn a_judge_is_only_connected_when_a_judgement_is_missing() {
    let bench = Bench::new(3);
    let server = TestServer::start(says_a);
    write_judged(&bench, &format!("base-url = \"{}\"", server.url()));
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let (asked, expected) = (server.requests().len(), bytes(&bench.path("out")));
    let (code, _, stderr) = ran(&bench, &["run.toml", "-m", "eval"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(server.requests().len(), asked, "the judge is not even greeted");
    assert_eq!(bytes(&bench.path("out")), expected);
    // One judgement is missing: the judge is connected and asked once.
    let store = fs::read_to_string(bench.path("out/store.jsonl")).expect("reads");
    let last = store.trim_end().rfind('\n').expect("several lines") + 1;
    fs::write(bench.path("out/store.jsonl"), &store[..last]).expect("writes");
    let (code, _, stderr) = ran(&bench, &["run.toml", "-m", "eval"]);
    assert_eq!(code, Some(0), "{stderr}");
    let more: Vec<String> = server.requests()[asked..].iter().map(|request| request.path.clone()).collect();
    assert_eq!(more.last().map(String::as_str), Some("/v1/chat/completions"), "{more:?}");
    assert_eq!(more.iter().filter(|path| path.ends_with("completions")).count(), 1, "{more:?}");
    assert_eq!(bytes(&bench.path("out")), expected);
}

/// A model for retrieval whose vectors count the texts of a request.
fn counts_texts(request: &Request) -> Response {
    if request.path != "/v1/embeddings" {
        return says_a(request);
    }
    let count = request.body["input"].as_array().map_or(1, Vec::len);
    let vector = |index: usize| json!({ "object": "embedding", "index": index, "embedding": [1.0, index] });
    let data: Vec<Value> = (0..count).map(vector).collect();
    let usage = json!({ "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 });
    let answer =
        json!({ "id": "e", "created": 0, "object": "list", "model": "m", "data": data, "usage": usage });
    Response::Json(200, answer)
}

#[test]
fn examples_that_were_chosen_once_need_no_model() {
    let bench = Bench::new(3);
    let server = TestServer::start(counts_texts);
    bench.write(
        "sets/near.toml",
        "name = \"near\"\n\
         source = { files = [\"questions.jsonl\"], train_files = [\"questions.jsonl\"] }\n\
         reader = { input = [\"question\"], output = \"answer\" }\n\
         few_shot = { retriever = \"topk\", count = 1 }\n\
         prompt = { ice_token = \"</E>\", text = \"</E>{question}: {answer}\" }\n\
         infer = { mode = \"gen\" }\nscore = { evaluator = \"acc\" }\n",
    );
    bench.write(
        "run.toml",
        &format!(
            "[run]\ndatasets = [\"near\"]\nfolder = \"out\"\ndataset-dirs = [\"sets\"]\n\
             [model]\nname = \"mock\"\nkind = \"mock\"\n\
             [retrieval]\nname = \"vectors\"\nbase-url = \"{}\"\n",
            server.url()
        ),
    );
    let (code, stdout, stderr) = ran(&bench, &["run.toml", "--dry-run"]);
    assert_eq!((code, stdout.as_str()), (Some(0), "mock x near: 3 items, 3 requests\n"), "{stderr}");
    assert!(server.requests().is_empty(), "a plan only counts");
    let (code, _, stderr) = ran(&bench, &["run.toml"]);
    assert_eq!(code, Some(0), "{stderr}");
    let (asked, expected) = (server.requests().len(), bytes(&bench.path("out")));
    let (code, _, stderr) = ran(&bench, &["run.toml", "-m", "eval"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!((server.requests().len(), bytes(&bench.path("out"))), (asked, expected));
}

#[test]
fn why_shows_what_the_judge_was_asked_and_said() {
    let bench = Bench::new(2);
    write_judged(&bench, "kind = \"mock\"\nrule = { kind = \"constant\", text = \"A\" }");
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let (code, text, stderr) = ran(&bench, &["why", "out", "mock", "judged", "1"]);
    assert_eq!(code, Some(0), "{stderr}");
    for part in [
        "judge judge was asked: [HUMAN] Is 1 + 1 the same as 2?",
        "judge judge answered: A",
        "correct: true",
        "grade_letter: A",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let (_, _, stderr) = ran(&bench, &["why", "out", "mack", "judged"]);
    assert!(stderr.contains("the run has the models mock"), "{stderr}");
    let (_, _, stderr) = ran(&bench, &["why", "out", "mock", "juged"]);
    assert!(stderr.contains("the run has the datasets judged"), "{stderr}");
}

#[test]
fn the_run_file_of_a_run_repeats_it() {
    let bench = Bench::new(4);
    assert_eq!(told(&bench.run(&["run.toml", "--set", "run.seed=7", "--max-rows", "3"])).0, Some(0));
    let resolved = fs::read_to_string(bench.path("out/configs/run.toml")).expect("reads");
    assert!(resolved.contains("seed = 7") && resolved.contains("max-rows = 3"), "{resolved}");
    let hashes = fs::read_to_string(bench.path("out/configs/hashes.toml")).expect("reads");
    for part in ["[identities]\nmock = \"mock:", "[prompts]", "[data]\n\"questions.jsonl\" = "] {
        assert!(hashes.contains(part), "{part} in {hashes}");
    }
    let named = |folder: &str| -> Vec<(String, Vec<u8>)> {
        let root = bench.path(folder);
        let short = |path: &std::path::Path| path.strip_prefix(&root).expect("below").display().to_string();
        let files = bytes(&root).into_iter().map(|(path, bytes)| (short(&path), bytes));
        files.filter(|(name, _)| !name.starts_with("summary")).collect()
    };
    let (code, _, stderr) = ran(&bench, &["out/configs/run.toml", "--set", "run.folder=again"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(named("again"), named("out"));
    // It is the same run, so the folder can be resumed with it.
    let (code, _, stderr) = ran(&bench, &["out/configs/run.toml", "-r"]);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn a_dry_run_refuses_what_the_run_refuses() {
    let bench = Bench::new(1);
    bench.write(
        "sets/acting.toml",
        "name = \"acting\"\nsource = { files = [\"questions.jsonl\"] }\n\
         reader = { input = [\"question\"], output = \"answer\" }\n\
         prompt = { rounds = [{ role = \"HUMAN\", prompt = \"{question}\" }] }\n\
         infer = { mode = \"agent\" }\nscore = { evaluator = \"acc\" }\n",
    );
    let server = ["--set", "model.kind=api", "--set", "model.base-url=http://127.0.0.1:9"];
    let dry = [&["run.toml", "--dry-run", "--datasets", "acting"], &server[..]].concat();
    let (code, stdout, stderr) = ran(&bench, &dry);
    if !cfg!(feature = "agent") {
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stdout.contains("mock x acting: refused: the dataset needs an agent"), "{stdout}");
        assert!(stderr.contains("1 cell cannot be evaluated:"), "{stderr}");
    }
    let (code, stdout, _) = ran(&bench, &["run.toml", "--dry-run", "--set", "model.log-probs=false"]);
    assert_eq!(code, Some(2), "{stdout}");
    assert!(stdout.contains("mock x sums: 1 item, 1 request\n"), "{stdout}");
    let weights = ["--set", "model.kind=local", "--set", "model.weights=nowhere.gguf"];
    let (code, _, stderr) = ran(&bench, &[&["run.toml", "--dry-run"], &weights[..]].concat());
    assert_eq!(code, Some(2), "{stderr}");
    let local = if cfg!(feature = "local") { "nowhere.gguf" } else { "the feature `local`" };
    assert!(stderr.contains(local), "{stderr}");
}

#[test]
fn turned_sets_whose_order_cannot_matter_are_named() {
    let bench = Bench::new(2);
    let (code, stdout, stderr) = ran(&bench, &["run.toml", "--datasets", "pick@circular"]);
    assert_eq!(code, Some(0), "{stderr}");
    let warning = "pick-circular: each label is scored with its own choice alone";
    assert!(stderr.contains(warning) && stdout.contains("perf_circular"), "{stderr}");
}

#[test]
fn known_data_files_are_summed_up() {
    let bench = Bench::new(1);
    fs::create_dir_all(bench.path("data")).expect("creates");
    let (code, stdout, _) = ran(&bench, &["data", "verify", "data"]);
    assert_eq!(code, Some(0));
    assert_eq!(stdout.lines().count(), 3, "{stdout}");
    assert!(
        stdout.lines().last().is_some_and(|line| line.ends_with("have all of their known files")),
        "{stdout}"
    );
    bench.write("data/gsm8k/test.jsonl", "{}\n");
    let (code, stdout, _) = ran(&bench, &["data", "verify", "data"]);
    assert_eq!(code, Some(3));
    assert!(stdout.starts_with("data/gsm8k/test.jsonl: found sha256 "), "{stdout}");
    assert!(stdout.lines().any(|line| line.split_whitespace().eq(["gsm8k", "0", "3", "1"])), "{stdout}");
    let (_, all, _) = ran(&bench, &["data", "verify", "data", "--absent"]);
    assert!(all.contains("gsm8k/train.jsonl: absent, needed by "), "{all}");
}

#[test]
fn rows_and_data_folders_are_flags() {
    let bench = Bench::new(5);
    fs::create_dir_all(bench.path("moved")).expect("creates");
    fs::rename(bench.path("questions.jsonl"), bench.path("moved/questions.jsonl")).expect("moves");
    let (code, _, stderr) = ran(&bench, &["run.toml", "--datasets", "sums"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("run.data-dirs names the folders of data"), "{stderr}");
    // All sets are named at once.
    let (code, _, stderr) = ran(&bench, &["run.toml", "--datasets", "sums", "pick", "texts"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("2 datasets cannot be loaded:\n  - dataset sums: questions.jsonl: "), "{stderr}");
    assert!(stderr.contains("\n  - dataset pick: questions.jsonl: "), "{stderr}");
    let flags = ["run.toml", "--datasets", "sums", "pick", "--data-dirs", "moved", "--dry-run", "--max-rows"];
    let (code, stdout, stderr) = ran(&bench, &[&flags[..], &["2"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    let expected = "mock x sums: 2 items, 2 requests\nmock x pick: 2 items, 4 requests\n\
                    in all 2 cells, 4 items, 6 requests\n";
    assert_eq!(stdout, expected);
    // A range of the run comes first.
    let range = ["--set", "test-range.sums=\"[3:]\""];
    let (_, stdout, stderr) = ran(&bench, &[&flags[..], &["3"], &range[..]].concat());
    assert!(stdout.starts_with("mock x sums: 2 items, 2 requests\nmock x pick: 3 items"), "{stdout}{stderr}");
    let subset = ["--set", "test-range.sums=4"];
    let (code, _, stderr) = ran(&bench, &[&flags[..], &["3"], &subset[..]].concat());
    assert_eq!(code, Some(2));
    assert!(stderr.contains("run.max-rows: dataset sums: found the random subset `4`"), "{stderr}");
    let (code, _, stderr) = ran(&bench, &[&flags[..], &["0"]].concat());
    assert_eq!(code, Some(2));
    assert!(stderr.contains("run.max-rows: found 0, expected 1 or more"), "{stderr}");
}

#[test]
fn runs_of_one_second_do_not_take_each_others_folders() {
    let bench = Bench::new(2);
    let arguments = |seed: &str| {
        let seed = format!("run.seed={seed}");
        bench.command(&["run.toml", "-w", "outputs", "--datasets", "sums", "--set", &seed])
    };
    let quiet = |seed: &str| arguments(seed).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let running = ["1", "2", "3"].map(|seed| quiet(seed).expect("starts"));
    for mut child in running {
        assert!(child.wait().expect("ends").success());
    }
    assert_eq!(fs::read_dir(bench.path("outputs")).expect("runs").count(), 3);
    // A run that is refused leaves nothing.
    let refused = ["run.toml", "-w", "outputs", "--datasets", "pick", "--set", "model.log-probs=false"];
    assert_eq!(ran(&bench, &refused).0, Some(2));
    assert_eq!(fs::read_dir(bench.path("outputs")).expect("runs").count(), 3);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_what_it_waits_for_and_how_it_is_resumed() {
    let bench = Bench::new(40);
    let server = TestServer::start(|request: &Request| {
        if request.path.ends_with("completions") {
            thread::sleep(Duration::from_millis(800));
        }
        says_a(request)
    });
    let address = format!("model.base-url={}", server.url());
    let arguments = ["run.toml", "-w", "outputs", "--datasets", "sums", "--max-num-workers", "2"];
    let arguments = [&arguments[..], &["--set", "model.kind=api", "--set", &address]].concat();
    let mut command = bench.command(&arguments);
    let running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    while server.count("/v1/chat/completions") < 2 {
        thread::sleep(Duration::from_millis(10));
    }
    let interrupted = Command::new("kill").args(["-INT", &running.id().to_string()]).status();
    assert!(interrupted.expect("there is kill").success());
    let (code, stderr) = told(&running.wait_with_output().expect("ends"));
    assert_eq!(code, Some(1), "{stderr}");
    for part in ["stopping after ", "of 40 requests stored", " and the same arguments resume this run"] {
        assert!(stderr.contains(part), "{part} in {stderr}");
    }
}

#[test]
fn words_that_are_wrong_are_answered_with_what_is_meant() {
    let bench = Bench::new(1);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    bench.write("outputs/20240326_120000/configs/run.toml", "");
    for (arguments, part) in [
        (&["whyy"][..], "whyy: found no such file, expected a run file or a verb (nearest verb: `why`)"),
        (&["out"], "out: found the folder of a run, expected a run file: out/configs/run.toml"),
        (&["run.toml", "-w", "outputs", "-m", "viz"], "expected -r [TIMESTAMP] or run.folder"),
        (&["run.toml", "-w", "outputs", "-m", "eval"], "expected -r [TIMESTAMP] or run.folder"),
        (&["run.toml", "-r", "20240326_120000"], "-r 20240326_120000: found the folder out in the run file"),
        (&["list-configs", "gsm9k"], "dataset `gsm9k`: not found, nearest known name: `gsm8k`"),
        (&["list-configs", "--group", "sports"], "group `sports`: not found, expected one of "),
        (&["why", "outputs", "mock", "sums"], "; see outputs/20240326_120000"),
        (&["case-analyzer", "outputs"], "; see outputs/20240326_120000"),
        (&[], "Usage: opencompass"),
    ] {
        let (code, _, stderr) = ran(&bench, arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
}

#[test]
fn perplexities_of_a_test_set_are_compared_with_a_reference() {
    let sets =
        Catalog::embedded().find(&["gsm8k_contamination", "gsm8k_contamination_ref"]).expect("embedded");
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(names, ["gsm8k-train-ppl", "gsm8k-test-ppl", "gsm8k-ref-ppl"]);
    // The suffix of OpenCompass' gsm8k_contamination_ppl_ecdd22.
    assert_eq!(list_version(&sets), "ecdd22");
    let bench = Bench::new(2);
    for (name, text) in [("test", "aaaa"), ("ref", "aaaaaaaaaaaaaaa")] {
        bench.write(&format!("{name}.jsonl"), &format!("{{\"text\": \"{text}\"}}\n"));
        bench.write(
            &format!("sets/{name}.toml"),
            &format!(
                "name = \"{name}\"\nsource = {{ files = [\"{name}.jsonl\"] }}\nreader = {{ input = [\"text\"] }}\n\
                 prompt = {{ text = \"{{text}}\" }}\ninfer = {{ mode = \"ppl_only\" }}\n\
                 score = {{ evaluator = \"average_ppl\" }}\n"
            ),
        );
    }
    let run = "[run]\ndatasets = [\"test\", \"ref\"]\nfolder = \"out\"\ndataset-dirs = [\"sets\"]\n\
               [model]\nname = \"mock\"\nkind = \"mock\"\n\
               [[group]]\nname = \"test by ref\"\nsubsets = [\"test\", \"ref\"]\nratio = true\n";
    bench.write("run.toml", run);
    let (code, stdout, stderr) = ran(&bench, &["run.toml"]);
    assert_eq!(code, Some(0), "{stderr}");
    // Every byte of the mock costs 5.545 nats, and <s> costs nothing: 4/5 by 15/16 of that.
    let row = stdout.lines().find(|line| line.contains(" ratio ")).expect("the group's row");
    assert!(row.starts_with("test by ref") && row.trim_end().ends_with("0.85"), "{row}");
    bench.write("run.toml", &run.replace("\"test\", \"ref\"]\nratio", "\"test\"]\nratio"));
    let (code, _, stderr) = ran(&bench, &["run.toml"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("group `test by ref`: found 1 subset, expected the two of a ratio"), "{stderr}");
}
