//! Further published sets: their prompts have upstream's hashes, their files become rows, and their answers are scored as
//! upstream scores them. Rows and answers are made up.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use opencompass::dataset::{Catalog, Dataset, DatasetConfig, list_version, version};
use opencompass::model::{
    Answer, ChatMessage, Ending, EvaluatedModelConfig, MockModel, Model, Needs, Program, Request, connect,
};
use opencompass::score::Scores;
use opencompass::{Evaluation, Store};
use serde_json::{Value, json};

use crate::graded::{config, results, scored};

/// The sets of files or the sets with a name, in this order.
fn sets(names: &[&str]) -> Vec<DatasetConfig> {
    Catalog::embedded().find(names).expect("embedded")
}

#[test]
fn prompt_hashes_are_those_of_upstreams_configs() {
    let published: &[(&[&str], &str)] = &[
        (&["civilcomments"], "a3c5fd"),
        (&["jigsaw_multilingual"], "fe50d8"),
        (&["realtoxicprompts"], "7605e4"),
        (&["safety"], "7ce197"),
        (&["promptbench_iwslt2017"], "cbb8c8"),
        (&["promptbench_math"], "abf776"),
        (&["promptbench_squad20"], "b15d1c"),
        (&["promptbench_wnli"], "50662f"),
        (&["taco"], "c7893a"),
        (&["taco_levels"], "411572"),
        (&["py150"], "38b13d"),
        (&["lcb_code_generation", "lcb_code_execution", "lcb_test_output"], "a4f90b"),
        (&["humaneval_cn"], "6313aa"),
        (&["mbpp_cn"], "9114d5"),
        (&["mbpp_plus"], "0b836a"),
        (&["humaneval_x"], "620cfa"),
        (&["humaneval_multi"], "82cf85"),
        (&["triviaqarc"], "db6413"),
        (&["qabench"], "353ae7"),
        (&["NPHardEval", "NPHardEval_GCP", "NPHardEval_TSP"], "22aac5"),
        (&["musr"], "b47fd3"),
        (&["olympiadbench"], "be8b13"),
        (&["PJExam"], "8cd97c"),
        (&["hungarian_exam"], "8a1435"),
        (&["MedBench", "MedBench_CHIP-CDN"], "0b4fff"),
        (&["clozeTest_maxmin"], "c205fb"),
        (&["z_bench"], "d8c84c"),
        // Configurations without a suffix in their names: the hash is upstream's all the same.
        (&["korbench"], "56cf43"),
        (&["followbench"], "12578a"),
        (&["mtbench101"], "993616"),
        (&["rolebench_instruct_eng"], "a5537d"),
        (&["rolebench_instruct_zh"], "16d540"),
        (&["rolebench_role_eng"], "a5537d"),
    ];
    for (names, suffix) in published {
        assert_eq!(list_version(&sets(names)), *suffix, "{names:?}");
    }
}

#[test]
fn the_agent_of_mathbench_is_asked_as_upstream_asks_it() {
    let (choice, cloze) = (sets(&["MathBench_agent_choice"]), sets(&["MathBench_agent_cloze"]));
    // Upstream's list goes through the schools, this crate's files through the forms of the questions.
    let order = [&choice[0], &cloze[0], &choice[1], &choice[2], &choice[3], &cloze[1], &cloze[2]];
    let all: Vec<DatasetConfig> = order.into_iter().cloned().collect();
    assert_eq!(list_version(&all), "48ec47");
    assert_eq!((version(&choice[0]), version(&cloze[0])), ("58b574".to_owned(), "1f182e".to_owned()));
}

/// Loads an embedded set from files with made-up content.
fn loaded(name: &str, files: &[(&str, String)]) -> Dataset {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a written folder");
        fs::write(path, content).expect("a written file");
    }
    let set = sets(&[name]).remove(0);
    Dataset::load(set, &[folder.path()]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn column<'a>(dataset: &'a Dataset, row: usize, name: &str) -> &'a Value {
    &dataset.test[row].columns[name]
}

#[test]
fn comments_become_questions_with_two_choices() {
    let text = "id,content,lang\n0,hola,es\n1,ciao,it\n2,adios,es\n".to_owned();
    let labels = "id,toxic\n0,1\n1,0\n2,0\n".to_owned();
    let files = [("jigsawmultilingual/test.csv", text), ("jigsawmultilingual/test_labels.csv", labels)];
    let set = loaded("jigsaw_multilingual_es", &files);
    assert_eq!(set.test.len(), 2);
    assert_eq!((column(&set, 1, "text"), column(&set, 1, "label")), (&json!("adios"), &json!("0")));
    assert_eq!(column(&set, 0, "choices"), &json!(["no", "yes"]));
    let comment = |id: u32| json!({ "text": id.to_string(), "toxicity": f64::from(id) / 1e4 });
    let rows: Vec<Value> = (0..10_000).map(comment).collect();
    let set = loaded("civil_comments", &[("civil_comments/test.jsonl", lines(&rows))]);
    assert_eq!(set.test.len(), 10_000);
    let right = |row: usize| {
        let number: f64 = column(&set, row, "text").as_str().expect("a text").parse().expect("a number");
        column(&set, row, "label") == &json!(i32::from(number >= 5000.0))
    };
    assert!((0..100).all(right));
    assert_ne!(column(&set, 0, "text"), "0", "the rows are drawn");
}

#[test]
fn prompts_of_toxicity_are_chosen() {
    let row = |text: &str, challenging: bool| json!({ "filename": "f", "challenging": challenging, "prompt": { "text": text, "toxicity": 0.9 } });
    let rows = lines(&[row("a", false), row("b", true)]);
    let set = loaded("realtoxicprompts", &[("realtoxicprompts/realtoxicprompts_train.jsonl", rows)]);
    assert_eq!((set.test.len(), column(&set, 0, "prompt_text")), (1, &json!("b")));
    let set = loaded("safety", &[("safety.txt", " one \n\ntwo\n".to_owned())]);
    assert_eq!((column(&set, 0, "prompt"), column(&set, 1, "idx")), (&json!("one"), &json!(1)));
}

#[test]
fn problems_of_taco_have_the_numbers_of_their_file() {
    let row = |level: &str| json!({ "question": "q", "difficulty": level, "starter_code": "", "input_output": "{}" });
    let rows = lines(&[row("EASY"), row("HARD")]);
    let set = loaded("TACO-HARD", &[("BAAI-TACO/test.jsonl", rows)]);
    assert_eq!((set.test.len(), column(&set, 0, "problem_id")), (1, &json!("test1")));
    assert_eq!(column(&set, 0, "starter"), "\\nUse Standard Input format");
}

#[test]
fn whole_files_become_rows() {
    let file = |kind: &str| format!("RoleBench/rolebench-eng/role-generalization/{kind}/test.jsonl");
    let (general, specific) = (file("general"), file("role_specific"));
    let question = lines(&[json!({ "role": "Gandalf", "question": "q", "generated": ["g"] })]);
    let set = loaded(
        "RoleBench_role_eng",
        &[
            ("RoleBench/profiles-eng/desc.json", json!({ "Gandalf": "a wizard" }).to_string()),
            (general.as_str(), question.clone()),
            (specific.as_str(), question),
        ],
    );
    assert_eq!((set.test.len(), column(&set, 1, "desc")), (2, &json!("a wizard")));
    let graph = "3\np edge 3 1\ne 1 2\n\n".to_owned();
    let names: Vec<String> =
        (0..10).map(|file| format!("NPHardEval/GCP/synthesized_data_GCP_{file}.txt")).collect();
    let files: Vec<(&str, String)> = names.iter().map(|name| (name.as_str(), graph.clone())).collect();
    let set = loaded("hard_GCP", &files);
    assert_eq!((set.test.len(), column(&set, 9, "level")), (10, &json!(10)));
}

fn ran(stdout: impl Into<String>, stderr: &str) -> Answer {
    Answer::Ran { ending: Ending::Exit(0), stdout: stdout.into(), stderr: stderr.to_owned() }
}

/// Something that runs programs by a rule.
fn runner(rule: impl Fn(&Program) -> Answer + Send + Sync + 'static) -> Box<dyn Model> {
    Box::new(MockModel::new("runner", move |request| {
        let Request::Run { program } = request else { panic!("a program") };
        Ok(rule(program))
    }))
}

/// The mark that a program would write at its end.
fn mark(program: &Program) -> String {
    let start = program.stdin.find("end of the tests ").expect("a mark");
    program.stdin[start..start + "end of the tests ".len() + 64].to_owned()
}

/// The verdict of the judge of Python answers.
fn verdict(program: &Program, outcome: &str) -> Answer {
    let mark = internlm_kit::hash::sha256(program.stdin.as_bytes());
    ran(json!({ "outcome": outcome, "reason": "", "mark": mark }).to_string(), "")
}

#[test]
fn programs_of_many_languages_have_to_reach_the_end_of_their_tests() {
    let score = |language: &str| {
        config(&format!("evaluator = {{ name = \"humaneval_multi\", language = \"{language}\" }}"), "")
    };
    let row = json!({ "gold": "", "prompt": "sub f {\n", "stop_tokens": ["\nsub"],
        "tests": "sub test {\n  exit 1 unless f() == 1;\n}\ntest();\n" });
    let items = [(row.clone(), "  return 1;\n}\nsub g {}".to_owned()), (row, "  exit 0;\n}\n".to_owned())];
    let sandbox = runner(|program| {
        assert!(program.command[2].starts_with("command -v perl"), "{:?}", program.command);
        assert!(!program.stdin.contains("sub g"), "cut at the stop text");
        let exits = program.stdin.contains("exit 0");
        ran(if exits { String::new() } else { format!("\n{}\n", mark(program)) }, "")
    });
    let scores = scored(score("pl"), &items, sandbox);
    assert_eq!((results(&scores), scores.metrics["pass@1"]), (vec!["pass", "failed"], 50.0));
    let row =
        json!({ "gold": "", "prompt": "#lang racket\n", "stop_tokens": [], "tests": "(check-equal? 1 2)\n" });
    let sandbox = runner(|program| ran(format!("{}\n", mark(program)), "FAILURE"));
    let scores = scored(score("rkt"), &[(row, String::new())], sandbox);
    assert_eq!(results(&scores), ["wrong_answer"]);
    let row =
        json!({ "gold": "", "prompt": "def f():\n", "stop_tokens": ["\ndef"], "tests": "assert f() == 1\n" });
    let sandbox = runner(|program| {
        let job: Value = serde_json::from_str(&program.stdin).expect("a job");
        assert_eq!(
            (&job["code"], &job["test"]),
            (&json!("def f():\n    return 1\n"), &json!("assert f() == 1\n"))
        );
        verdict(program, "pass")
    });
    let scores = scored(score("py"), &[(row, "    return 1".to_owned())], sandbox);
    assert_eq!(scores.metrics["pass@1"], 100.0);
    let problems = score("cobol").problems();
    assert!(problems[0].contains("found `cobol`, expected one of cpp, cs, d, go, java"), "{problems:?}");
}

#[test]
fn programs_of_humaneval_x_are_put_together_as_its_authors_do() {
    let score = |language: &str| {
        config(&format!("evaluator = {{ name = \"humaneval_x\", language = \"{language}\" }}"), "")
    };
    let row = json!({ "gold": "", "prompt": "#include<vector>\nint add(int a,int b){\n",
        "declaration": "int add(int a,int b){\n", "test": "\nint main(){\n    assert(add(1,2)==3);\n}\n" });
    let sandbox = runner(|program| {
        let start = "#include<stdlib.h>\n#include<algorithm>\n";
        assert!(program.stdin.starts_with(start) && program.stdin.matches("#include<vector>").count() == 1);
        assert!(program.stdin.contains("{\n  return a+b;\n}\n\nint main(){"), "{}", program.stdin);
        ran(format!("{}\n", mark(program)), "")
    });
    let answer = "```cpp\nint add(int a,int b){\n  return a+b;\n}\n```".to_owned();
    assert_eq!(scored(score("cpp"), &[(row, answer)], sandbox).metrics["pass@1"], 100.0);
    let row = json!({ "gold": "", "prompt": "const add = (a, b) => {\n", "declaration": "const add = (a, b) => {\n",
        "test": "const t = () => { console.assert(add(1, 2) === 3) }\nt()\n" });
    let sandbox = runner(|program| ran(format!("{}\n", mark(program)), "Assertion failed\n"));
    let scores = scored(score("js"), &[(row, "  return a - b;\n}".to_owned())], sandbox);
    assert_eq!(results(&scores), ["wrong_answer"]);
}

#[test]
fn values_of_livecodebench_are_compared_by_the_judge() {
    let sample = json!({ "code": "def f(x):\n    return x", "input": "f(x = 1)", "output": "1" });
    let row = json!({ "gold": sample.to_string() });
    let answers = ["assert f(x = 1) == 1\n[/ANSWER]", "f(x = 1)"];
    let items: Vec<(Value, String)> =
        answers.iter().map(|answer| (row.clone(), (*answer).to_owned())).collect();
    let sandbox = runner(|program| {
        let job: Value = serde_json::from_str(&program.stdin).expect("a job");
        assert!(job["code"].as_str().expect("code").ends_with("\nvalue_of_the_answer = (1\n)\n"));
        assert_eq!(job["test"], "assert value_of_the_answer == (1\n)\n");
        verdict(program, "pass")
    });
    let scores = scored(config("evaluator = \"lcb_execution\"", ""), &items, sandbox);
    assert_eq!(results(&scores), ["pass", "wrong_answer"]);
    let row = json!({ "gold": json!({ "input": "q", "output": "[1]" }).to_string() });
    let sandbox = runner(|program| {
        let job: Value = serde_json::from_str(&program.stdin).expect("a job");
        assert!(job["code"].as_str().expect("code").starts_with("line = \"assert f(1) == [1]\"\n"));
        assert_eq!(job["test"], "import json\nassert value_of_the_answer == json.loads(\"[1]\")\n");
        verdict(program, "wrong_answer")
    });
    let items = [(row, "```\nassert f(1) == [1]\n```".to_owned())];
    let scores = scored(config("evaluator = \"lcb_test_output\"", ""), &items, sandbox);
    assert_eq!(results(&scores), ["wrong_answer"]);
}

/// Scores answers without programs.
fn plain(score: &str, items: &[(Value, &str)]) -> Scores {
    let items: Vec<(Value, String)> =
        items.iter().map(|(row, answer)| (row.clone(), (*answer).to_owned())).collect();
    scored(config(score, ""), &items, runner(|_| panic!("nothing to run")))
}

#[test]
fn rules_facts_and_formulas_are_scored() {
    let row = |rule: &str, gold: &str| json!({ "gold": gold, "rule_id": rule, "idx": "3" });
    let score = "evaluator = { name = \"korbench\", category = \"puzzle\" }";
    let items = [(row("10", "[[6*(3+1)*1=24]]"), "[[(1+3)*6*1]]"), (row("10", "[[6*(3+1)*1=24]]"), "[[24]]")];
    assert_eq!(plain(score, &items).metrics["accuracy"], 50.0);
    let items = [
        (json!({ "gold": "$2,-2$" }), "So the final answer is \\boxed{\\pm2}."),
        (json!({ "gold": "$\\frac{1}{2}$" }), "\\boxed{0.6}"),
    ];
    assert_eq!(plain("evaluator = \"olympiadbench\"", &items).metrics["accuracy"], 50.0);
    let items = [(json!({ "gold": ["A", "C"] }), "选(A)和C，不是CT"), (json!({ "gold": ["B"] }), "A")];
    let score = "evaluator = { name = \"medbench\", task = \"choices\" }";
    assert_eq!(plain(score, &items).metrics["Accuracy"], 50.0);
    let facts = json!([{ "type": "药物", "entity": "阿司匹林" }, { "type": "症状", "entity": "头痛" }]);
    let items = [(json!({ "gold": facts }), "药物：阿司匹林，布洛芬")];
    let score = "evaluator = { name = \"medbench\", task = \"cmeee\" }";
    // One of two given and of two expected facts is right.
    assert_eq!(plain(score, &items).metrics["F1"], 0.5);
    let items = [(json!({ "gold": "疾病" }), "疾病\n"), (json!({ "gold": "药物" }), "疾病")];
    let score = "evaluator = { name = \"medbench\", task = \"chip-ctc\" }";
    // classification_report of scikit-learn: 2/3 and 0.
    assert!((plain(score, &items).metrics["Macro-F1"] - 1.0 / 3.0).abs() < 1e-12);
    let items = [(json!({ "gold": "患者头痛" }), "患者头痛")];
    let score = "evaluator = { name = \"medbench\", task = \"text\" }";
    assert!((plain(score, &items).metrics["RougeL"] - 1.0).abs() < 1e-6);
    let scores = plain("evaluator = \"unscored\"", &[(json!({ "gold": "" }), "an essay")]);
    assert_eq!((scores.metrics["answered"], scores.correct), (100.0, None));
}

/// Runs a set whose questions the model echoes, with one judge.
fn judged(rows: &[Value], evaluator: &str, judge: impl Fn(&str) -> String + Send + Sync + 'static) -> Scores {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("x.jsonl"), lines(rows)).expect("a written file");
    let dataset = Dataset::load(config(evaluator, ""), &[folder.path()]).expect("readable rows");
    let last = |request: &Request| match request {
        Request::Chat { messages, .. } => messages.last().map(ChatMessage::text).unwrap_or_default(),
        _ => panic!("a conversation"),
    };
    let model = MockModel::new("echo", move |request| Ok(Answer::text(last(request))));
    let judge = MockModel::new("judge", move |request| Ok(Answer::text(judge(&last(request)))));
    let evaluation = Evaluation::new(vec![dataset], vec![Box::new(model)]).with_judges(vec![Box::new(judge)]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let plan = evaluation.plan(Default::default());
        let mut store = Store::open(folder.path().join("store.jsonl")).expect("a store");
        let failures = evaluation.ask(&plan, &mut store, 4, &Default::default()).await.expect("a run");
        let results = evaluation.conclude(&plan, &store, &failures).expect("scores");
        results[0].scores().expect("a scored cell").clone()
    })
}

#[test]
fn toxicities_come_from_the_judge() {
    let rows: Vec<Value> =
        ["0.1", "0.55555", "-1", "0.5", "hello"].iter().map(|id| json!({ "id": id, "gold": "" })).collect();
    let scores = judged(&rows, "evaluator = \"toxicity\"", str::to_owned);
    let found: Vec<f64> = scores.metrics.values().copied().collect();
    // ToxicEvaluator().get_metrics of the four numbers.
    assert_eq!(found, [0.5556, 0.75, 0.6667, 0.3852]);
    assert_eq!(scores.extra["unrated"], 1);
    let reason = scores.details[4].reason.clone().expect("a reason");
    assert_eq!(reason, "judge: found `hello`, expected a number of the Perspective API");
}

/// Answers one request with a body, and returns the request.
fn answered_once(listener: &TcpListener, body: &str) -> String {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut request = String::new();
    let mut buffer = [0; 4096];
    while !request.contains("\"languages\"") {
        let count = stream.read(&mut buffer).expect("a readable request");
        assert!(count > 0, "cut: {request}");
        request.push_str(std::str::from_utf8(&buffer[..count]).expect("text"));
    }
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).expect("a written answer");
    request
}

#[test]
fn the_perspective_api_gets_its_key_in_a_header() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let body =
        json!({ "attributeScores": { "TOXICITY": { "spanScores": [{ "score": { "value": 0.75 } }] } } });
    let server = std::thread::spawn(move || answered_once(&listener, &body.to_string()));
    let table = json!({ "name": "p", "kind": "perspective", "base-url": format!("http://{address}"), "api-key": "k1" });
    let table: EvaluatedModelConfig = serde_json::from_value(table).expect("a model");
    assert_eq!(table.problems(), [""; 0]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let answer = runtime.block_on(async {
        let model = connect(&table, Needs::Answers).await.expect("a model");
        let messages = vec![ChatMessage::user("You are wrong.")];
        let request = Request::Chat { messages, tools: Vec::new(), sampling: Default::default() };
        model.answer(&request).await.expect("an answer")
    });
    assert_eq!(answer, Answer::text("0.75"));
    let request = server.join().expect("a served request");
    assert!(request.starts_with("POST /v1alpha1/comments:analyze HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("x-goog-api-key: k1\r\n") && request.contains("You are wrong."), "{request}");
}

#[test]
fn conversations_texts_and_constraints_are_judged() {
    let turn =
        |id: &str, talk: u64, task: &str| json!({ "id": id, "gold": task, "task": task, "multi_id": talk });
    let rows =
        [turn("[[8]]", 1, "CM"), turn("[[5]]", 1, "CM"), turn("[[10]]", 2, "CM"), turn("[[4]]", 3, "GR")];
    let evaluator = "evaluator = { name = \"judge_turns\", judge = { prompt = \"{prediction}\" } }";
    let scores = judged(&rows, evaluator, str::to_owned);
    assert_eq!((scores.metrics["avg"], scores.metrics["CM"], scores.metrics["GR"]), (5.75, 7.5, 4.0));
    let rows: Vec<Value> = ["YES", "['YES', 'NO']", "?", "['NO', 'NO', 'NO', 'YES']", "['YES']"]
        .iter()
        .zip(1..)
        .map(|(id, level)| json!({ "id": id, "gold": level, "level": level }))
        .collect();
    let evaluator = "evaluator = { name = \"judge_constraints\", judge = { prompt = \"{prediction}\" } }";
    let scores = judged(&rows, evaluator, str::to_owned);
    // get_scores of upstream: one item per level, two of which cannot be read.
    assert_eq!(
        (scores.metrics["HSR_AVG"], scores.metrics["SSR_L2"], scores.metrics["SSR_L4"]),
        (0.2, 0.5, 0.25)
    );
    let rows = [
        json!({ "id": "{'Creativity': 8, 'Overall Score': 6}", "gold": "", "capability": "内容扩写_EN" }),
        json!({ "id": "bad", "gold": "", "capability": "内容扩写_ZH" }),
    ];
    let evaluator = "evaluator = { name = \"judge_creation\", judge = { prompt = \"{prediction}\" } }";
    let scores = judged(&rows, evaluator, str::to_owned);
    assert_eq!(
        (scores.metrics["内容扩写_EN"], scores.metrics["英文总分"], scores.metrics["总分"]),
        (6.0, 2.0, 1.0)
    );
    assert_eq!(scores.extra["unrated"], 1);
}

#[test]
fn arguments_of_upstreams_services_are_taken_or_refused() {
    let problems = |evaluator: &str| config(&format!("evaluator = {{ {evaluator} }}"), "").problems();
    for evaluator in [
        "name = \"humaneval_x\", language = \"go\", ip_address = \"localhost\", port = 5001",
        "name = \"humaneval_multi\", language = \"r\", ip_address = \"localhost\", port = 5000",
        "name = \"olympiadbench\", version = \"v2\"",
        "name = \"toxicity\", key = \"ENV\"",
    ] {
        assert_eq!(problems(evaluator), [""; 0], "{evaluator}");
    }
    let refused = problems("name = \"toxicity\", key = \"secret\"");
    assert!(refused[0].contains("toxicity.key: found a key, expected `ENV`"), "{refused:?}");
    assert!(problems("name = \"humaneval_x\", language = \"rust\"")[0].contains("found `rust`"));
}

#[test]
fn meanings_are_compared_by_vectors() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let action = |id: u32, name: &str| json!({ "id": id, "name": name, "args": {} });
    let plan = json!([action(0, "A"), action(1, "B"), action(2, "FinishAction")]).to_string();
    let datum = json!({ "ground_truth": plan, "meta_data": {} });
    let answers = [json!([action(0, "A"), action(1, "C")]).to_string(), "no plan".to_owned()];
    let rows: Vec<Value> = answers.iter().map(|id| json!({ "id": id, "gold": datum.to_string() })).collect();
    fs::write(folder.path().join("x.jsonl"), lines(&rows)).expect("a written file");
    let score = "evaluator = { name = \"teval_meaning\", subset = \"plan\" }";
    let dataset = Dataset::load(config(score, ""), &[folder.path()]).expect("readable rows");
    let model = MockModel::new("echo", |request| match request {
        Request::Chat { messages, .. } => {
            Ok(Answer::text(messages.last().map(ChatMessage::text).unwrap_or_default()))
        }
        _ => panic!("a conversation"),
    });
    let judge = MockModel::new("vectors", |request| match request {
        // The same direction for the same text.
        Request::Embed { texts } => {
            let vector = |text: &String| match text.as_str() {
                "B" => vec![1.0, 0.0, 0.0],
                "C" => vec![0.0, 1.0, 0.0],
                _ => vec![0.0, 0.0, 1.0],
            };
            Ok(Answer::Vectors { vectors: texts.iter().map(vector).collect() })
        }
        _ => panic!("texts"),
    });
    let evaluation = Evaluation::new(vec![dataset], vec![Box::new(model)]).with_judges(vec![Box::new(judge)]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let scores = runtime.block_on(async {
        let plan = evaluation.plan(Default::default());
        let mut store = Store::open(folder.path().join("store.jsonl")).expect("a store");
        let failures = evaluation.ask(&plan, &mut store, 4, &Default::default()).await.expect("a run");
        let results = evaluation.conclude(&plan, &store, &failures).expect("scores");
        results[0].scores().expect("a scored cell").clone()
    });
    // bertscore_match of upstream: one of two actions is right in the first plan, the second answer has no plan.
    let found: Vec<f64> = scores.metrics.values().copied().collect();
    assert_eq!(found, [25.0, 25.0, 25.0, 50.0]);
}

/// Scores a right and a wrong answer in the real sandbox. `None` if a compiler is not installed.
#[cfg(feature = "sandbox")]
fn in_sandbox(evaluator: &str, row: &Value, answers: [&str; 2]) -> Option<Vec<String>> {
    let model = opencompass::execute::SandboxModel::new(Default::default()).ok()?;
    let items = answers.map(|answer| (row.clone(), answer.to_owned()));
    let scores = scored(config(&format!("evaluator = {evaluator}"), ""), &items, Box::new(model));
    let reason = |detail: &opencompass::score::Detail| detail.reason.clone().unwrap_or_default();
    if scores.details.iter().map(reason).any(|reason| reason.contains("needs ")) {
        return None;
    }
    Some(results(&scores).into_iter().map(str::to_owned).collect())
}

#[cfg(feature = "sandbox")]
#[test]
fn right_programs_pass_in_the_real_sandbox() {
    let java = "import java.util.*;\nclass Solution {\n    public int add(int a, int b) {\n";
    let main = "public class Main {\n    public static void main(String[] args) {\n        if (new Solution().add(1, 2) \
        != 3) {\n            throw new AssertionError();\n        }\n    }\n}\n";
    let cpp = "#include<vector>\nint add(int a,int b){\n";
    let cpp_test = "\n#undef NDEBUG\n#include<assert.h>\nint main(){\n    assert(add(1,2)==3);\n}\n";
    let js = "const add = (a, b) => {\n";
    let js_test = "const test = () => {\n  console.assert(add(1, 2) === 3)\n}\ntest()\n";
    for (language, prompt, test, body) in [
        ("java", java, main, "        return a + b;\n    }\n}"),
        ("cpp", cpp, cpp_test, "  return a + b;\n}"),
        ("js", js, js_test, "  return a + b;\n}"),
    ] {
        let row = json!({ "gold": "", "prompt": prompt, "declaration": prompt, "test": test });
        let evaluator = format!("{{ name = \"humaneval_x\", language = \"{language}\" }}");
        let Some(found) = in_sandbox(&evaluator, &row, [body, &body.replace('+', "-")]) else { continue };
        assert_eq!(found[0], "pass", "{language}");
        assert_ne!(found[1], "pass", "{language}");
    }
    let bash = "}\n\ncandidate() {\n    add \"$@\"\n}\n\nset -e\nrun_test() {\n    [[ $(candidate 1 2) = \"3\" ]]\n}\n\nrun_test\n";
    let node = "const assert = require('node:assert');\nfunction test() {\n  assert.deepEqual(add(1, 2),3);\n}\ntest();\n";
    for (language, prompt, tests, body) in [
        ("sh", "add() {\n", bash, "    echo $(($1 + $2))\n}"),
        ("js", "function add(a, b){\n", node, "  return a + b;\n}\nfunction other() {}"),
    ] {
        let stops = if language == "sh" { "\n}" } else { "\nfunction" };
        let row = json!({ "gold": "", "prompt": prompt, "tests": tests, "stop_tokens": [stops] });
        let evaluator = format!("{{ name = \"humaneval_multi\", language = \"{language}\" }}");
        let Some(found) = in_sandbox(&evaluator, &row, [body, &body.replace('+', "-")]) else { continue };
        assert_eq!(found, ["pass", "failed"], "{language}");
    }
}
