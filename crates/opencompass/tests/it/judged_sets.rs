//! Published sets that a judge scores: another model, the Perspective API, or a model that gives sentence vectors. Rows and
//! answers are made up.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use opencompass::dataset::Dataset;
use opencompass::model::{Answer, ChatMessage, EvaluatedModelConfig, MockModel, Needs, Request, connect};
use opencompass::score::Scores;
use opencompass::{Evaluation, Store};
use serde_json::{Value, json};

use crate::graded::{config, lines};

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
