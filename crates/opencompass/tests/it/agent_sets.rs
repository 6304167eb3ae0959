//! Evaluators of agents and tool calls, on steps and calls that are known.

use opencompass::dataset::Named;
use opencompass::infer::Prediction;
use opencompass::model::FunctionCall;
use opencompass::score::{Reading, ScoredItem, Scores, Setup, named_evaluator};
use serde_json::{Map, Value, json};

use crate::graded::config;
use crate::shared;

/// One item: the answer's text, the expected answer, and the columns of the row.
struct Told {
    text: String,
    gold: Value,
    columns: Map<String, Value>,
    prediction: Prediction,
}

fn told(text: impl Into<String>, gold: Value, columns: Value) -> Told {
    let columns = columns.as_object().cloned().unwrap_or_default();
    Told { text: text.into(), gold, columns, prediction: Prediction::default() }
}

impl Told {
    fn steps(mut self, steps: Value) -> Self {
        self.prediction.record = json!({ "steps": steps });
        self
    }
}

fn score(named: &Named, reading: Reading, items: &[Told]) -> Scores {
    let dataset = config("evaluator = \"acc\"", "");
    let evaluator =
        named_evaluator(&Setup { named, dataset: &dataset, resources: &Default::default(), reading })
            .expect("an evaluator of ours");
    let scored: Vec<ScoredItem<'_>> = items.iter().map(item).collect();
    evaluator.evaluate(&scored)
}

fn item(told: &Told) -> ScoredItem<'_> {
    ScoredItem {
        pred: told.text.as_str().into(),
        answer: told.gold.clone(),
        prediction: &told.prediction,
        columns: &told.columns,
        evidence: Vec::new(),
    }
}

fn verdicts(scores: &Scores) -> Vec<bool> {
    scores.details.iter().map(|detail| detail.correct == Some(true)).collect()
}

/// The value that an entry of the accepted answers stands for.
fn accepted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let first = |values: &Value| values.as_array()?.iter().find(|value| **value != "").cloned();
            fields.iter().filter_map(|(name, values)| Some((name.clone(), first(values)?))).collect()
        }
        Value::Array(items) if items.iter().all(Value::is_object) => items.iter().map(accepted).collect(),
        other => other.clone(),
    }
}

/// A JSON value in Python's syntax.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{}: {}", json!(name), python(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn call(name: &str, arguments: &Map<String, Value>) -> String {
    let argument = |(name, value): (&String, &Value)| format!("{name}={}", python(value));
    format!("[{name}({})]", arguments.iter().map(argument).collect::<Vec<_>>().join(", "))
}

#[test]
fn gold_calls_of_bfcl_agree_and_mutated_ones_do_not() {
    let Some(questions) = shared::lines("eval/bfcl/BFCL_v4_simple_python.json") else { return };
    let Some(answers) = shared::lines("eval/bfcl/possible_answer/BFCL_v4_simple_python.json") else { return };
    assert_eq!((questions.len(), answers.len()), (400, 400));
    let (mut gold, mut mutated) = (Vec::new(), Vec::new());
    for (question, answer) in questions.iter().zip(&answers) {
        assert_eq!(question["id"], answer["id"]);
        let accepted_calls = &answer["ground_truth"];
        let (name, values) =
            accepted_calls[0].as_object().and_then(|calls| calls.iter().next()).expect("a call");
        let value = |values: &Value| values.as_array()?.iter().find(|value| **value != "").map(accepted);
        let arguments: Map<String, Value> = values
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, values)| Some((name.clone(), value(values)?)))
            .collect();
        let row = || json!({ "function": question["function"] });
        let item = |list: &mut Vec<Told>, text: String| {
            list.push(told(text, accepted_calls.clone(), row()));
        };
        item(&mut gold, call(name, &arguments));
        item(&mut mutated, call(&format!("{name}_2"), &arguments));
        item(&mut mutated, format!("{0}, {0}", call(name, &arguments).trim_matches(['[', ']'])));
        let mut more = arguments.clone();
        more.insert("not_a_parameter".to_owned(), 1.into());
        item(&mut mutated, call(name, &more));
        if let Some(required) = question["function"][0]["parameters"]["required"][0].as_str() {
            let mut less = arguments.clone();
            less.shift_remove(required);
            item(&mut mutated, call(name, &less));
            let mut other = arguments.clone();
            other.insert(required.to_owned(), json!({ "no": ["such", "value"] }));
            item(&mut mutated, call(name, &other));
        }
        item(&mut mutated, "I cannot do that.".to_owned());
    }
    let named = Named::new("bfcl");
    let scores = score(&named, Reading::Compat, &gold);
    let wrong: Vec<_> = scores.details.iter().filter(|detail| detail.correct != Some(true)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(scores.metrics["accuracy"], 100.0);
    let scores = score(&named, Reading::Compat, &mutated);
    assert_eq!(verdicts(&scores).iter().filter(|right| **right).count(), 0);
    assert!(scores.details.iter().all(|detail| detail.reason.is_some()));
}

#[test]
fn calls_are_read_from_tool_calls_and_from_texts() {
    let function = json!([{"name": "math.add", "parameters": {"type": "dict", "required": ["a"],
        "properties": {"a": {"type": "float"}, "unit": {"type": "string"}}}}]);
    let gold = json!([{"math.add": {"a": [1.0], "unit": ["kilo-meter", ""]}}]);
    let item = |text: &str| told(text, gold.clone(), json!({ "function": function }));
    let mut called = item("");
    called.prediction.calls = vec![FunctionCall {
        name: "math_add".to_owned(),
        arguments: "{\"a\": 1, \"unit\": \"Kilometer\"}".to_owned(),
    }];
    let items = [
        called,
        item("math.add(a=1)"),
        item("```python\n[math.add(a=2-1)]\n```"),
        item("[math.add(a=1, unit='KILO METER')]"),
        item("[math.add(1)]"),
        item("[math.add(a='1')]"),
        item("[math.add(a=1, unit='mile')]"),
        item("[math.add(a=1"),
    ];
    let scores = score(&Named::new("bfcl"), Reading::Compat, &items);
    assert_eq!(verdicts(&scores), [true, true, true, true, false, false, false, false]);
    let none = Named::new("bfcl").with("expects", "no_call");
    let scores =
        score(&none, Reading::Compat, &[item("No function fits."), item("[]"), item("math.add(a=1)")]);
    assert_eq!(verdicts(&scores), [true, true, false]);
}

fn python_step(text: &str, error: Option<&str>) -> Value {
    json!({"type": "PythonInterpreter", "args": {}, "errmsg": error, "result": {"text": text}})
}

#[test]
fn mathematics_with_tools_counts_following_reasoning_and_code() {
    let item = |text: &str, steps: Value| told(text, "4".into(), json!({})).steps(steps);
    let items = || {
        [
            item("4", json!([python_step("4", None)])),
            item("4", json!([])),
            item("5", json!([python_step("4", None)])),
            item("5", json!([python_step("", Some("NameError"))])),
            item("5", json!([])),
            item("4", json!([python_step("", Some("NameError"))])),
        ]
    };
    let found = |name: &str, reading| {
        let scores = score(&Named::new(name), reading, &items());
        ["follow_acc", "reasoning_acc", "code_acc", "action_pct"].map(|metric| scores.metrics[metric])
    };
    let share = |part: f64, whole: f64| 100.0 * part / whole;
    let common = |code: f64| [share(3.0, 6.0), share(4.0, 6.0), code, share(4.0, 6.0)];
    assert_eq!(found("math_agent", Reading::Compat), common(share(3.0, 4.0)));
    assert_eq!(found("gsm8k_agent", Reading::Compat), common(share(3.0, 6.0)));
    assert_eq!(found("math_agent", Reading::Fixed), common(share(2.0, 4.0)));
}

#[test]
fn experiments_are_scored_step_by_step() {
    let ran = |text: &str| {
        json!([{"type": "IPythonInterpreter", "args": {}, "errmsg": null,
        "result": [{"type": "text", "content": text}]}])
    };
    let failed = json!([{"type": "IPythonInterpreter", "args": {}, "errmsg": "NameError", "result": []}]);
    let references = json!({"tags": ["exec", "general", "general", "exec"], "outputs": [null, "42", "the cat", null],
        "metadata": {"step_types": ["exec", "num", "text", "exec"]}});
    let gold = told("", references.clone(), json!({})).steps(json!([
        ran(""),
        ran("execute_result:\n\n```\n42\n```"),
        ran("the cat"),
        ran("1")
    ]));
    let other = told("", references, json!({})).steps(json!([failed, ran("41"), [], ran("1")]));
    let metrics = |items: &[Told]| score(&Named::new("cibench"), Reading::Compat, items).metrics;
    let found = metrics(&[gold]);
    for metric in ["tool_rate", "executable", "numeric_correct", "text_score"] {
        assert!((found[metric] - 100.0).abs() < 1e-9, "{metric}: {found:?}");
    }
    assert_eq!(found["vis_sim"], -1.0, "no step has an image");
    let found = metrics(&[other]);
    let names = ["tool_rate", "executable", "numeric_correct", "text_score"];
    assert_eq!(names.map(|name| found[name]), [75.0, 50.0, 0.0, 0.0]);
    let scores = score(&Named::new("cibench"), Reading::Compat, &[told("", "x".into(), json!({}))]);
    assert!(scores.details[0].reason.is_some());
}

#[test]
fn parts_of_t_eval_are_scored() {
    let part = |subset: &str, text: &str, datum: &Value| {
        let named = Named::new("teval").with("subset", subset);
        let scores = score(&named, Reading::Compat, &[told(text, datum.to_string().into(), json!({}))]);
        scores.metrics.values().copied().collect::<Vec<f64>>()
    };
    let datum = json!({"template": {"thought": "thought", "action": "name", "args": "args"},
        "meta_data": {"response_format": "json"}, "ground_truth": {"action": "f.a", "args": {"x": "1", "y": 2}}});
    let right = "{'thought': 'so', 'name': 'f.a', 'args': {'x': '1', 'y': 2}}";
    assert_eq!(part("instruct", right, &datum), [100.0, 100.0]);
    assert_eq!(
        part("instruct", "{\"thought\": \"\", \"name\": \"f.a\", \"args\": []}", &datum),
        [100.0, 33.33]
    );
    assert_eq!(part("instruct_zh", "f.a", &datum), [0.0, 0.0]);
    let datum = json!({"template": {"thought_start": "T:", "thought_end": "", "action_start": "A:", "action_end": "",
        "args_start": "I:", "args_end": ""}, "meta_data": {"response_format": "string"},
        "ground_truth": {"action": "f", "args": {"x": 1}}});
    assert_eq!(part("instruct", "T: so\nA: f\nI: {'x': 1}", &datum), [100.0, 100.0]);
    let datum = json!({"meta_data": {"response_format": "str"}, "ground_truth": {"answer": "B"}});
    assert_eq!(part("review", "Answer: B, since", &datum), [100.0, 100.0]);
    assert_eq!(part("review", "C", &datum), [100.0, 0.0]);
    assert_eq!(part("review", "Answer: none", &datum), [0.0, 0.0]);
    let datum = json!({"ground_truth": "{'thought': 't', 'name': 'f.a', 'args': {}}"});
    assert_eq!(part("reason_retrieve_understand", "so {'name': 'f.a', 'args': {}}", &datum), [100.0, 100.0]);
    assert_eq!(part("reason_retrieve_understand", "f.a", &datum), [0.0, 0.0]);
    assert_eq!(part("retrieve", "call f.a", &datum), [100.0, 100.0]);
    assert_eq!(part("retrieve", "call f.a or f.b", &datum), [0.0, 100.0]);
    let problems = config("evaluator = { name = \"teval\", subset = \"plan\" }", "").problems();
    assert!(problems[0].contains("sentence model"), "{problems:?}");
}

#[cfg(feature = "agent")]
mod driven {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use opencompass::agent::AgentModel;
    use opencompass::model::{Answer, ChatMessage, MockModel, Model, Request, Sampling};
    use serde_json::json;

    fn told(
        replies: &[&str],
        agent: serde_json::Value,
        messages: Vec<ChatMessage>,
    ) -> opencompass::Result<Answer> {
        let script: VecDeque<String> = replies.iter().map(|reply| (*reply).to_owned()).collect();
        let script = Mutex::new(script);
        let inner = MockModel::new("inner", move |_| match script.lock().expect("no panics").pop_front() {
            Some(reply) => Ok(Answer::text(reply)),
            None => Err(opencompass::Error::Model {
                model: "inner".to_owned(),
                message: "the script has no more replies".to_owned(),
            }),
        });
        let model = AgentModel::new(Box::new(inner));
        let request = Request::Agent { agent, messages, sampling: Sampling::default() };
        tokio::runtime::Runtime::new().expect("starts").block_on(model.answer(&request))
    }

    fn answer(replies: &[&str], agent: serde_json::Value, question: &str) -> opencompass::Result<Answer> {
        told(replies, agent, vec![ChatMessage::user(question)])
    }

    #[test]
    fn code_of_expected_answers_runs_before_the_question() {
        let messages = vec![
            ChatMessage::user("Set x."),
            ChatMessage::assistant("easy**split**x = 41"),
            ChatMessage::user("Show its successor."),
        ];
        let call = "<|action_start|><|plugin|>\n{\"name\": \"IPythonInterpreter\", \"parameters\": {\"command\": \"x + 1\"}}<|action_end|>";
        match told(&[call, "It is 42."], json!({ "tools": ["IPythonInterpreter"] }), messages) {
            Ok(Answer::Agent { text, steps }) => {
                assert_eq!(text, "It is 42.");
                assert!(
                    steps[0]["result"][0]["content"].as_str().is_some_and(|text| text.contains("42")),
                    "{steps:?}"
                );
            }
            Ok(other) => panic!("{other:?}"),
            // A machine without Python or without a level of confinement says so.
            Err(error) => assert!(error.to_string().contains("unavailable"), "{error}"),
        }
    }

    #[test]
    fn an_agent_answers_with_its_steps() {
        let call = "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>";
        let agent = json!({ "tools": ["Calculator"] });
        let found = answer(&[call, "It is 408."], agent, "12 x 34?").expect("answers");
        let Answer::Agent { text, steps } = found else { panic!("an agent") };
        assert_eq!((text.as_str(), steps.len()), ("It is 408.", 1));
        assert_eq!(
            (&steps[0]["type"], &steps[0]["result"][0]["content"]),
            (&json!("Calculator"), &json!("408"))
        );
    }

    #[test]
    fn wrong_agents_and_models_that_fail_are_errors() {
        let message = |replies: &[&str], agent| answer(replies, agent, "?").expect_err("fails").to_string();
        let unknown = message(&["x"], json!({ "tools": ["Calculater"] }));
        assert!(unknown.starts_with("model inner: infer.agent: tools: found `Calculater`"), "{unknown}");
        let nucleus = message(&["x"], json!({ "sampling": { "top-p": 0.5 } }));
        assert!(nucleus.contains("sampling.top-p: found a setting, expected the default"), "{nucleus}");
        let typo = message(&["x"], json!({ "tool": [] }));
        assert!(typo.contains("unknown field `tool`"), "{typo}");
        let failed = message(&[], json!({}));
        assert!(failed.contains("no more replies"), "{failed}");
    }
}
