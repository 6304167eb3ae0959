//! Judges, sandboxes and sentence models that a run lacks: it is refused before anything is asked, unless what it does
//! needs none of them.

use std::collections::BTreeMap;

use opencompass::Evaluation;
use opencompass::dataset::{Catalog, Dataset};
use opencompass::model::{Answer, MockModel};
use opencompass::score::{Participant, Reading, Setup, named_evaluator};
use serde_json::json;

use crate::graded::config;
use crate::runs::{Bench, told};

/// Exit code, stdout and stderr.
fn ran(bench: &Bench, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = bench.run(arguments);
    let (code, stderr) = told(&output);
    (code, String::from_utf8_lossy(&output.stdout).into_owned(), stderr)
}

const MOCK: &str = "[model]\nname = \"mock\"\nkind = \"mock\"\n";
const JUDGE: &str = "kind = \"mock\"\nrule = { kind = \"constant\", text = \"A\" }\n";

/// Writes the set `judged` with an evaluator, and a run file that also evaluates `sums`, without judges.
fn write_judged(bench: &Bench, evaluator: &str) {
    let set = |evaluator: &str| {
        format!(
            "name = \"judged\"\nsource = {{ files = [\"same.jsonl\"] }}\n\
             reader = {{ input = [\"question\"], output = \"answer\" }}\n\
             prompt = {{ rounds = [{{ role = \"HUMAN\", prompt = \"{{question}}\" }}] }}\n\
             infer = {{ mode = \"gen\" }}\nscore = {{ evaluator = {evaluator} }}\n"
        )
    };
    write_rows(bench, "b");
    bench.write("sets/judged.toml", &set(evaluator));
    let run = "[run]\ndatasets = [\"sums\", \"judged\"]\nfolder = \"out\"\ndataset-dirs = [\"sets\"]\n";
    bench.write("run.toml", &format!("{run}{MOCK}"));
}

/// Writes the two rows of `judged`. The mock repeats the questions, which are `a` and `b`.
fn write_rows(bench: &Bench, second: &str) {
    let row = |question: &str, answer: &str| json!({ "question": question, "answer": answer }).to_string();
    bench.write("same.jsonl", &format!("{}\n{}\n", row("a", "a"), row("b", second)));
}

/// Adds judges with further keys to the run file.
fn add_judges(bench: &Bench, judges: &[(&str, &str)]) {
    let run = std::fs::read_to_string(bench.path("run.toml")).expect("reads");
    let table = |(name, keys): &(&str, &str)| format!("[[judges]]\nname = \"{name}\"\n{keys}");
    bench.write("run.toml", &(run + &judges.iter().map(table).collect::<String>()));
}

const TWO: &str = "{ name = \"judge\", judge = { prompt = \"Is {prediction} right?\", judges = [0, 1] } }";

#[test]
fn a_run_without_its_judges_is_refused_before_anything_is_asked() {
    let bench = Bench::new(2);
    write_judged(&bench, TWO);
    let reason = "evaluator `judge` asks judge 1: found 0 tables [[judges]], expected 2 or more";
    let (code, stdout, stderr) = ran(&bench, &["run.toml", "--dry-run"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stdout.contains(&format!("mock x judged: refused: {reason}")), "{stdout}");
    let (code, _, stderr) = ran(&bench, &["run.toml"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains(&format!("mock x judged: {reason}")), "{stderr}");
    assert!(!bench.path("out/store.jsonl").exists(), "nothing is asked");
    // An array would find it out hours later.
    let array = bench.command(&["run.toml", "--launcher", "slurm"]).env("PATH", "").output().expect("runs");
    assert!(told(&array).1.contains(reason), "{}", told(&array).1);
    // The other cells can be evaluated.
    let (code, stdout, stderr) = ran(&bench, &["run.toml", "--set", "run.unsupported=skip"]);
    assert_eq!(code, Some(3), "{stderr}");
    assert!(stdout.contains("sums "), "{stdout}");
    let (_, why, _) = ran(&bench, &["why", "out", "mock", "judged"]);
    assert!(why.contains(&format!("no score, because {reason}")), "{why}");
    // One of two judges is not enough.
    add_judges(&bench, &[("one", JUDGE)]);
    let (code, _, stderr) = ran(&bench, &["run.toml"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("asks judge 1: found 1 table [[judges]], expected 2 or more"), "{stderr}");
    add_judges(&bench, &[("two", JUDGE)]);
    let (code, _, stderr) = ran(&bench, &["run.toml"]);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn answers_are_stored_without_judges() {
    let bench = Bench::new(2);
    write_judged(&bench, TWO);
    for arguments in [&["run.toml", "-m", "infer", "--dry-run"][..], &["run.toml", "-m", "infer"]] {
        let (code, _, stderr) = ran(&bench, arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {stderr}");
    }
    // The answers are there, and their judgements are missing.
    for arguments in [&["run.toml", "-m", "eval"][..], &["run.toml", "-m", "eval", "--dry-run"]] {
        let (code, _, stderr) = ran(&bench, arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains("mock x judged: evaluator `judge` asks judge 1"), "{stderr}");
    }
    // A server that is not there is not even connected.
    let away = "base-url = \"http://127.0.0.1:9\"\nretries = 0\n";
    add_judges(&bench, &[("one", away), ("two", JUDGE)]);
    let (code, _, stderr) = ran(&bench, &["run.toml", "-m", "infer"]);
    assert_eq!(code, Some(0), "{stderr}");
    let (code, _, stderr) = ran(&bench, &["run.toml", "-m", "eval"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("model one: no answer from http://127.0.0.1:9"), "{stderr}");
    write_judged(&bench, TWO);
    add_judges(&bench, &[("one", JUDGE), ("two", JUDGE)]);
    let (code, _, stderr) = ran(&bench, &["run.toml", "-m", "eval"]);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn what_a_rule_calls_right_needs_no_judge_to_be_scored() {
    let bench = Bench::new(2);
    write_judged(&bench, "{ name = \"cascade\", rule = \"acc\", judge = { prompt = \"{prediction}\" } }");
    let (code, _, stderr) = ran(&bench, &["run.toml"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("evaluator `cascade` asks judge 0: found 0 tables"), "{stderr}");
    assert_eq!(ran(&bench, &["run.toml", "-m", "infer"]).0, Some(0));
    let (code, stdout, stderr) = ran(&bench, &["run.toml", "-m", "eval"]);
    assert_eq!(code, Some(0), "{stderr}");
    let row = stdout.lines().find(|line| line.starts_with("judged")).expect("a row");
    assert!(row.trim_end().ends_with("100.00"), "{row}");
    write_rows(&bench, "c");
    let (code, _, stderr) = ran(&bench, &["run.toml", "-m", "eval"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("evaluator `cascade` asks judge 0"), "{stderr}");
}

/// Plans a set of one row for a library without anybody else.
fn planned(score: &str, change: impl FnOnce(Evaluation) -> Evaluation) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("x.jsonl"), "{\"id\": \"a\", \"gold\": \"\"}\n").expect("writes");
    let dataset = Dataset::load(config(score, ""), &[folder.path()]).expect("loads");
    let model = MockModel::new("m", |_| Ok(Answer::text("")));
    change(Evaluation::new(vec![dataset], vec![Box::new(model)])).plan(Default::default()).refusals()
}

#[test]
fn sandboxes_and_sentence_vectors_are_looked_for_too() {
    let programs = "evaluator = \"humaneval\"";
    let expected = "m x x: evaluator `humaneval` runs programs: found no sandbox";
    assert!(planned(programs, |evaluation| evaluation)[0].starts_with(expected));
    let sandbox = || Box::new(MockModel::new("sandbox", |_| Ok(Answer::text(""))));
    assert_eq!(planned(programs, |evaluation| evaluation.with_sandbox(sandbox())), [""; 0]);
    let meanings = "evaluator = { name = \"teval_meaning\", subset = \"plan\" }";
    let expected = "m x x: evaluator `teval_meaning` asks judge 0: found 0 tables [[judges]]";
    assert!(planned(meanings, |evaluation| evaluation)[0].starts_with(expected));
    let judge = || MockModel::new("j", |_| Ok(Answer::text("")));
    let mute = judge().with_profile(|profile| profile.embeddings = Err("it gives none".to_owned()));
    let found = planned(meanings, |evaluation| evaluation.with_judges(vec![Box::new(mute)]));
    let expected = "evaluator `teval_meaning` needs sentence vectors of judge 0 (`j`), but it gives none";
    assert_eq!(found, [format!("m x x: {expected}")]);
    assert_eq!(planned(meanings, |evaluation| evaluation.with_judges(vec![Box::new(judge())])), [""; 0]);
}

#[test]
fn every_evaluator_that_asks_somebody_says_so() {
    let programs = "humaneval humaneval_plus mbpp mbpp_plus multipl_e humaneval_multi humaneval_x \
                    lcb_execution lcb_test_output ds1000 apps taco livecodebench";
    let resources = BTreeMap::new();
    let mut found = BTreeMap::new();
    for entry in Catalog::embedded().entries() {
        for dataset in entry.datasets().expect("an embedded file") {
            let named = &dataset.score.evaluator;
            let setup = Setup { named, dataset: &dataset, resources: &resources, reading: Reading::Compat };
            let evaluator = named_evaluator(&setup).expect("an embedded evaluator");
            found.insert(named.name().to_owned(), evaluator.participants());
        }
    }
    for (name, participants) in found {
        let is_judged = name.starts_with("judge") || ["cascade", "toxicity"].contains(&name.as_str());
        let expected = match name.as_str() {
            "teval_meaning" => vec![Participant::Vectors(0)],
            name if programs.split(' ').any(|known| known == name) => vec![Participant::Sandbox],
            _ if is_judged => vec![Participant::Judge(0)],
            _ => Vec::new(),
        };
        assert_eq!(participants, expected, "{name}");
    }
}
