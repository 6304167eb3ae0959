//! The verbs of the binary: plans, lists, explanations and tables.

use std::fs;

use internlm_kit::testing::Program;
use serde_json::Value;

use crate::runs::{Bench, told};

fn program(bench: &Bench) -> Program {
    Program::new(env!("CARGO_BIN_EXE_opencompass"), bench.folder.path())
}

#[test]
fn a_dry_run_counts_requests_and_writes_nothing() {
    let bench = Bench::new(3);
    let ran = program(&bench).run(["run.toml", "--dry-run", "--set", "model.log-probs=true"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines[..2], ["mock x sums: 3 items, 3 requests", "mock x pick: 3 items, 6 requests"]);
    assert!(lines[2].starts_with("mock x texts: 3 items, "), "{}", lines[2]);
    assert!(lines[3].starts_with("in all 3 cells, 9 items, "), "{}", lines[3]);
    assert!(!bench.path("out").exists());
    let ran = program(&bench).run(["run.toml", "--dry-run", "--set", "model.log-probs=false"]);
    assert!(
        ran.stdout.contains("mock x pick: refused: the dataset needs log-probabilities"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_list_shows_every_file_with_its_version() {
    let bench = Bench::new(1);
    let ran = program(&bench).run(["list-configs", "--dataset-dir", "sets"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let cells = |line: &str| {
        let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        cells.map(str::to_owned).collect::<Vec<String>>()
    };
    let rows: Vec<Vec<String>> = ran.stdout.lines().map(cells).collect();
    let header = ["file", "sets", "first set", "version", "mode", "evaluator", "group", "questions", "from"];
    assert_eq!(rows[0], header);
    let row = |stem: &str| rows.iter().find(|row| row[0] == stem).unwrap_or_else(|| panic!("no {stem}"));
    assert_eq!(row("gsm8k")[1..6], ["1", "gsm8k", "1d7fe4", "gen", "gsm8k"]);
    assert_eq!((row("mmlu")[1].as_str(), row("mmlu")[4].as_str()), ("57", "ppl"));
    assert_eq!((row("texts")[5].as_str(), row("texts")[8].as_str()), ("bits_per_byte", "sets/texts.toml"));
    let ran = program(&bench).run(["list-configs", "--dataset-dir", "sets", "--json", "su?s", "pick"]);
    let list: Vec<Value> = serde_json::from_str(&ran.stdout).expect("JSON");
    let names: Vec<_> = list.iter().map(|entry| entry["file"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["pick", "sums"]);
}

#[test]
fn a_reader_that_leaves_ends_a_verb_quietly() {
    let bench = Bench::new(1);
    bench.write("predictions/sums_0.json", "{\"0\": {}}");
    bench.write("corpus.txt", "some text\n");
    bench.write("config.py", "x_datasets = [{'abbr': 'x', 'infer_cfg': {}}]\n");
    bench.write("data/unknown.txt", "unknown\n");
    bench.write("needle.toml", "task = \"trace\"\nneedles = 2\nrepeats = 1\n");
    bench.write("names.json", "{\"English\": \"Ann,Bob,Cid,Dan\"}");
    lmdeploy::testing::tokenizer().save(bench.path("tokenizer")).expect("saves");
    program(&bench).check_closed_output_of_every_verb(&[
        &["list-configs"],
        &["run", "run.toml"],
        &["run.toml"],
        &["why", "out", "mock", "sums"],
        &["prompt-viewer", "run.toml"],
        &["case-analyzer", "out"],
        &["diff", "out", "out"],
        &["viz-multi-model", "out", "out"],
        &["prediction-merger", "predictions"],
        &["test-api-model", "run.toml"],
        &["import", "config.py"],
        &["data", "list"],
        &["data", "verify", "data"],
        &["data", "add", "data", "--to", "known"],
        &["contamination", "index", "run.toml", "--out", "tests.ngrams"],
        &["contamination", "check", "run.toml", "--corpus", "corpus.txt"],
        &[
            "needle",
            "needle.toml",
            "--tokenizer",
            "tokenizer",
            "--names",
            "names.json",
            "--out",
            "needle.jsonl",
        ],
        &["serve-report", "out", "--requests", "0"],
    ]);
}

#[test]
fn why_without_an_item_shows_the_first_wrong_ones() {
    let bench = Bench::new(6);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let ran = program(&bench).run(["why", "out", "mock", "sums"]);
    let shown: Vec<_> = ran.stdout.lines().filter(|line| line.starts_with("item ")).collect();
    // The mock repeats the question, whose last number happens to be right for item 0.
    assert_eq!(shown, ["item 1", "item 2", "item 3"]);
    assert!(ran.stdout.starts_with("mock x sums: accuracy 16.6"), "{}", ran.stdout);
    let texts = program(&bench).run(["why", "out", "mock", "texts", "0"]);
    assert!(
        texts.stdout.contains("\"bits_per_byte\":8.0") && texts.stdout.contains("score: 8.0"),
        "{}",
        texts.stdout
    );
}

#[test]
fn groups_join_the_table_of_a_run() {
    let bench = Bench::new(4);
    let run = fs::read_to_string(bench.path("run.toml")).expect("reads");
    let groups = "[[group]]\nname = \"both\"\nsubsets = [\"sums\", \"pick\"]\nstd = true\nmetric = \"gap\"\n";
    bench.write("run.toml", &format!("{run}{groups}"));
    let ran = program(&bench).run(["run.toml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // sums is 25 and pick 50, whose standard deviation is 12.5.
    let row = ran.stdout.lines().find(|line| line.contains("gap")).expect("the group's row");
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["both", "-", "gap", "mixed", "12.50"]);
    let resolved = fs::read_to_string(bench.path("out/configs/run.toml")).expect("reads");
    assert!(resolved.starts_with("# opencompass ") && resolved.contains("std = true"), "{resolved}");
    bench.write("run.toml", &format!("{run}{groups}sum = true\n"));
    let ran = program(&bench).run(["run.toml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("group `both`: found several of std, sum"), "{}", ran.stderr);
}

#[test]
fn the_json_summary_has_intervals_for_proportions() {
    let bench = Bench::new(4);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let text = fs::read_to_string(bench.path("out/summary/summary_out.json")).expect("reads");
    let summary: Value = serde_json::from_str(&text).expect("JSON");
    let interval = |dataset: &str| {
        let cells = summary["cells"].as_array().expect("cells");
        let cell = cells.iter().find(|cell| cell["dataset"] == dataset);
        cell.expect("a cell")["interval"].clone()
    };
    let pick = interval("pick");
    let (low, high) = (pick["ci_low"].as_f64().expect("low"), pick["ci_high"].as_f64().expect("high"));
    // Two of four are right.
    assert!((low - 15.0).abs() < 0.1 && (high - 85.0).abs() < 0.1 && pick["n"] == 4, "{pick}");
    // Every byte of the mock costs the same, so bits per byte have no spread.
    let texts = interval("texts");
    let bounds = [&texts["ci_low"], &texts["ci_high"]].map(|bound| bound.as_f64().expect("a bound"));
    assert!(bounds.iter().all(|bound| (bound - 8.0).abs() < 1e-9) && texts["n"] == 4, "{texts}");
    let csv = fs::read_to_string(bench.path("out/summary/intervals_out.csv")).expect("reads");
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows[0], "dataset,version,metric,mode,model,score,ci_low,ci_high,n,method");
    assert!(rows.iter().any(|row| row.starts_with("pick,") && row.ends_with(",4,wilson")), "{csv}");
    assert!(
        rows.iter().any(|row| row.starts_with("texts,") && row.ends_with(",8.00,8.00,4,bootstrap")),
        "{csv}"
    );
}

#[test]
fn groups_have_intervals_and_missing_members_are_told() {
    let bench = Bench::new(6);
    let run = fs::read_to_string(bench.path("run.toml")).expect("reads");
    let groups = "[[group]]\nname = \"both\"\nsubsets = [\"sums\", \"pick\"]\n\
                  transforms = { sums = \"100 - x\" }\n\
                  [[group]]\nname = \"broken\"\nsubsets = [\"sums\", \"nothing\"]\n";
    bench.write("run.toml", &format!("{run}{groups}"));
    let ran = program(&bench).run(["run.toml"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("mock x broken: found no score of nothing"), "{}", ran.stderr);
    let page = || fs::read_to_string(bench.path("out/report/index.html")).expect("the report");
    assert!(page().contains("found no score of nothing"), "the report says why");
    assert_eq!(program(&bench).run(["run.toml", "-m", "viz"]).code, Some(3));
    assert!(page().contains("found no score of nothing"), "so does the report that was written again");
    // Groups of datasets that the user leaves out are left out too.
    let ran = program(&bench).run(["run.toml", "--datasets", "sums", "pick", "--set", "run.folder=part"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("both") && !ran.stdout.contains("broken"), "{}", ran.stdout);
    let csv = fs::read_to_string(bench.path("out/summary/intervals_out.csv")).expect("reads");
    let group = csv.lines().find(|row| row.starts_with("both,")).expect("the group's row");
    assert!(group.contains("naive_average") && group.ends_with(",12,bootstrap"), "{group}");
    bench.write("run.toml", &format!("{run}{}", groups.replace("100 - x", "100 - y")));
    let ran = program(&bench).run(["run.toml"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("transforms.sums") && ran.stderr.contains("found `y`"), "{}", ran.stderr);
}

#[test]
fn datasets_are_summed_up_by_their_own_groups() {
    let bench = Bench::new(4);
    for name in ["sets/sums.toml", "sets/pick.toml"] {
        let set = fs::read_to_string(bench.path(name)).expect("reads");
        bench.write(name, &format!("{set}meta = {{ group = \"numbers\" }}\n"));
    }
    let ran = program(&bench).run(["run.toml", "--summarizer", "by-group"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let row = ran.stdout.lines().find(|line| line.starts_with("numbers")).expect("the group's row");
    // sums is 25 and pick 50.
    assert!(row.ends_with("37.50"), "{row}");
}

#[test]
fn two_runs_are_compared_item_by_item() {
    let bench = Bench::new(8);
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let other = ["--set", "run.folder=other", "--set", "model.rule={kind=\"constant\", text=\"3\"}"];
    assert_eq!(told(&bench.run(&[&["run.toml"], &other[..]].concat())).0, Some(0));
    let ran = program(&bench).run(["diff", "out", "other", "--json", "--report"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let cells: Vec<Value> = serde_json::from_str(&ran.stdout).expect("JSON");
    let sums = cells.iter().find(|cell| cell["dataset"] == "sums").expect("the cell");
    // The echo is right on item 0, the constant 3 on item 2.
    assert_eq!((&sums["gained"], &sums["lost"]), (&serde_json::json!(["2"]), &serde_json::json!(["0"])));
    assert_eq!(sums["difference"], 0.0);
    assert!(sums["test"]["p_value"].as_f64().expect("a p-value") > 0.5, "{sums}");
    let page = fs::read_to_string(bench.path("out/report/index.html")).expect("the report");
    assert!(page.contains("out and other"), "both runs are on the page");
    let table = program(&bench).run(["viz-multi-model", "out", "other"]);
    assert!(table.stdout.contains("Win Count"), "{}", table.stdout);
}

#[test]
fn runs_on_different_questions_are_not_compared_item_by_item() {
    let bench = Bench::new(8);
    for (range, folder) in [("[:4]", "first"), ("[4:8]", "second")] {
        let settings = [format!("test-range.sums=\"{range}\""), format!("run.folder={folder}")];
        let run = ["run.toml", "--datasets", "sums", "--set", &settings[0], "--set", &settings[1]];
        assert_eq!(told(&bench.run(&run)).0, Some(0));
    }
    let ran = program(&bench).run(["diff", "first", "second", "--json", "--report"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("mock x sums: the runs asked different questions"), "{}", ran.stderr);
    let cells: Vec<Value> = serde_json::from_str(&ran.stdout).expect("JSON");
    // The echo is right on the first question of the first run only.
    assert!(cells[0]["difference"] == -25.0 && cells[0]["test"].is_null(), "{}", cells[0]);
    assert_eq!((&cells[0]["gained"], &cells[0]["lost"]), (&serde_json::json!([]), &serde_json::json!([])));
    let page = fs::read_to_string(bench.path("first/report/index.html")).expect("the report");
    assert!(page.contains("no test: the runs asked different questions"), "the report says why");
}

#[test]
fn prompts_and_wrong_cases_are_shown() {
    let bench = Bench::new(3);
    let ran =
        program(&bench).run(["prompt-viewer", "run.toml", "--datasets", "sums", "pick", "--count", "2"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for part in
        ["--- mock x sums, row 1", "[HUMAN]\n1 + 1", "--- mock x pick, row 0, label B", "--- expected: 2"]
    {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(!bench.path("out").exists(), "nothing is written");
    assert_eq!(told(&bench.run(&["run.toml"])).0, Some(0));
    let ran = program(&bench).run(["case-analyzer", "out"]);
    assert!(ran.stdout.contains("mock x sums: 2 items"), "{}", ran.stdout);
    let cases = fs::read_to_string(bench.path("out/case_analysis/bad/mock/sums.json")).expect("reads");
    let cases: Vec<Value> = serde_json::from_str(&cases).expect("JSON");
    assert_eq!((&cases[0]["item"], &cases[0]["detail"]["correct"]), (&Value::from("1"), &Value::from(false)));
}

#[test]
fn parts_of_predictions_are_joined_or_refused() {
    let bench = Bench::new(1);
    bench.write("p/set_0.json", "{\"0\": {\"gold\": \"a\"}, \"1\": {\"gold\": \"b\"}}");
    bench.write("p/set_1.json", "{\"0\": {\"gold\": \"c\"}}");
    let ran = program(&bench).run(["prediction-merger", "p"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let merged: Value =
        serde_json::from_str(&fs::read_to_string(bench.path("p/set.json")).expect("reads")).expect("JSON");
    assert_eq!(
        (&merged["2"]["gold"], merged.as_object().map(serde_json::Map::len)),
        (&Value::from("c"), Some(3))
    );
    bench.write("p/set_1.json", "{\"0\": ");
    let ran = program(&bench).run(["prediction-merger", "p"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("set_1.json") && ran.stderr.contains("nothing was merged"), "{}", ran.stderr);
}

#[test]
fn contaminated_items_are_found_and_scores_are_split() {
    let bench = Bench::new(1);
    let question = |row: usize| (0..16).map(|word| format!("w{row}x{word}")).collect::<Vec<_>>().join(" ");
    let rows = (0..4).map(|row| serde_json::json!({ "question": question(row), "answer": format!("{row}") }));
    bench.write("questions.jsonl", &rows.map(|row| format!("{row}\n")).collect::<String>());
    let corpus = format!("{}\n{} 1\n", question(0).to_uppercase(), question(1));
    bench.write("corpus.txt", &corpus);
    assert_eq!(told(&bench.run(&["run.toml", "--datasets", "sums"])).0, Some(0));
    let arguments = ["contamination", "check", "run.toml", "--datasets", "sums", "--corpus", "corpus.txt"];
    let ran = program(&bench).run([&arguments[..], &["--run", "out"]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let row = ran.stdout.lines().find(|line| line.starts_with("sums")).expect("the row");
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["sums", "4", "2", "1", "1", "0"]);
    assert!(ran.stdout.contains("accuracy - input-and-label contamination"), "{}", ran.stdout);
    let file = fs::read_to_string(bench.path("out/contamination/sums.json")).expect("reads");
    let items: Vec<Value> = serde_json::from_str(&file).expect("JSON");
    let classes: Vec<_> = items.iter().map(|item| item["class"].as_str().unwrap_or_default()).collect();
    assert_eq!(classes, ["input", "input_and_label", "clean", "clean"]);
    let ran = program(&bench).run([&arguments[..], &["--least", "2"]].concat());
    assert_eq!(ran.code, Some(2), "{}", ran.stdout);
    assert!(ran.stderr.contains("--least: found 2, expected 0 to 1"), "{}", ran.stderr);
}

#[test]
fn a_stored_answer_belongs_to_its_model_and_seed() {
    let bench = Bench::new(3);
    let lines = || fs::read_to_string(bench.path("out/store.jsonl")).expect("reads").lines().count();
    assert_eq!(told(&bench.run(&["run.toml", "--datasets", "sums"])).0, Some(0));
    assert_eq!(lines(), 3);
    for (set, expected) in [
        ("run.workers=2", 3),
        ("run.seed=1", 6),
        ("model.rule={kind=\"constant\", text=\"1\"}", 9),
        ("run.seed=1", 9),
    ] {
        let (code, stderr) = told(&bench.run(&["run.toml", "--datasets", "sums", "--set", set]));
        assert_eq!((code, lines()), (Some(0), expected), "{set}: {stderr}");
    }
}
