//! Recordings of lagent 0.2.4: every prompt, every call and the answer of its agents, its descriptions of tools, and
//! its prompt texts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use internlm_kit::testing::shared_data;
use internlm_model::chat::Message;
use lagent::action::{Action, ActionReturn, ActionState, ToolInput, ToolSpec, Toolbox};
use lagent::driver::{Silent, drive_blocking};
use lagent::llm::Scripted;
use lagent::protocol::{
    AutoGpt, ErrorMode, InternLm2, Presentation, Protocol, React, ReactTags, Rewoo, lagent_message,
    lagent_tool,
};
use lagent::run::{AgentRun, AgentSpec};
use lagent::templates;
use serde_json::{Value, json};

fn golden(name: &str) -> Option<Value> {
    let path = shared_data(format!("golden/lagent/{name}.json"))?;
    let text = std::fs::read_to_string(path).expect("the golden is readable");
    Some(serde_json::from_str(&text).expect("the golden is JSON"))
}

/// A tool that gives the recorded results in order, and fails on calls that were not recorded.
struct Recorded {
    spec: ToolSpec,
    calls: Arc<Mutex<VecDeque<Value>>>,
}

impl Action for Recorded {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        let call = self.calls.lock().expect("no panic").pop_front().expect("a recorded call");
        assert_eq!(call["name"], self.spec.name.as_str());
        // Tools of plain text are recorded with the text under another name.
        let recorded = if self.spec.input == ToolInput::Text {
            json!({self.spec.required()[0]: call["args"]["text"]})
        } else {
            call["args"].clone()
        };
        assert_eq!(*arguments, recorded);
        let text = call["result"][0]["content"].as_str().map(str::to_owned);
        match text {
            Some(text) => ActionReturn::text(&self.spec.name, arguments.clone(), text),
            None => {
                let message = call["errmsg"].as_str().unwrap_or_default();
                ActionReturn::error(&self.spec.name, arguments.clone(), ActionState::ApiError, message)
            }
        }
    }
}

/// Lagent's description of a tool as JSON Schema.
fn spec(tool: &Value) -> ToolSpec {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut properties = serde_json::Map::new();
    for parameter in tool["parameters"].as_array().expect("a list") {
        let kind = match parameter["type"].as_str() {
            Some("NUMBER") => "integer",
            Some("FLOAT") => "number",
            Some("BOOLEAN") => "boolean",
            Some("Array") => "array",
            _ => "string",
        };
        let schema = json!({"type": kind, "description": parameter["description"]});
        properties.insert(text(&parameter["name"]), schema);
    }
    let input = if tool.get("parameter_description").is_some() { ToolInput::Json } else { ToolInput::Text };
    ToolSpec {
        name: text(&tool["name"]),
        description: text(&tool["description"]),
        parameters: json!({"type": "object", "properties": properties, "required": tool["required"]}),
        input,
    }
}

/// The agent's tools in the golden's order, and the toolbox that knows their results.
fn tools(golden: &Value, listed: &[&Value]) -> (Vec<ToolSpec>, Toolbox) {
    let upstreams_own = ["NoAction", "InvalidAction", "FinishAction"];
    let made = |call: &&Value| upstreams_own.iter().all(|kind| call["type"] != *kind);
    let calls: VecDeque<Value> =
        golden["tool_calls"].as_array().expect("a list").iter().filter(made).cloned().collect();
    let calls = Arc::new(Mutex::new(calls));
    let mut toolbox = Toolbox::default();
    let specs: Vec<ToolSpec> = listed.iter().map(|tool| spec(tool)).collect();
    for spec in &specs {
        toolbox.add(Arc::new(Recorded { spec: spec.clone(), calls: Arc::clone(&calls) }));
    }
    (specs, toolbox)
}

/// Runs the agent with the recorded replies and compares every prompt.
fn compare(golden: &Value, protocol: Protocol, listed: &[&Value]) {
    let (specs, toolbox) = tools(golden, listed);
    let mut spec = AgentSpec::new(protocol, specs);
    spec.limits.max_turn = golden["max_turn"].as_u64().map(|turns| turns as u32);
    let turns = golden["turns"].as_array().expect("a list");
    let model = Scripted::new(turns.iter().map(|turn| turn["reply"].as_str().expect("a text")));
    let mut turn = 0;
    let mut run = AgentRun::new(spec);
    let question = Message::user(golden["question"].as_str().expect("a text"));
    let ending = drive_blocking(
        &mut run,
        vec![question],
        |asked| {
            let expected = &turns[turn]["prompt"];
            if expected.is_string() {
                // A bare text, which is the only message here.
                let texts: Vec<&str> = asked.messages.iter().map(Message::text).collect();
                assert_eq!(Value::from(texts.concat()), *expected, "prompt {turn}");
            } else {
                let prompt: Vec<Value> = asked.messages.iter().map(lagent_message).collect();
                assert_eq!(Value::from(prompt), *expected, "prompt {turn}");
            }
            turn += 1;
            model.next(asked)
        },
        &toolbox,
        &mut Silent,
    );
    let ending = ending.expect("nothing can fail here");
    assert_eq!((ending.answer(), turn), (golden["final"].as_str(), turns.len()));
}

#[test]
fn internlm2_plugin_and_interpreter() {
    let Some(golden) = golden("internlm2_plugin_interpreter") else { return };
    let list = |kind: &str| golden["tools"][kind].as_array().expect("a list").iter().collect::<Vec<_>>();
    let interpreter = list("interpreter")[0]["name"].as_str().map(str::to_owned);
    let protocol = InternLm2 { presentation: Presentation::Prompt, interpreter, ..InternLm2::default() };
    let listed = [list("plugin"), list("interpreter")].concat();
    compare_internlm2(&golden, protocol, &listed);
}

/// The interpreter's code is recorded as its only text.
fn compare_internlm2(golden: &Value, protocol: InternLm2, listed: &[&Value]) {
    let mut golden = golden.clone();
    let mut listed: Vec<Value> = listed.iter().map(|tool| (*tool).clone()).collect();
    for tool in listed
        .iter_mut()
        .filter(|tool| Some(tool["name"].as_str().unwrap_or_default()) == protocol.interpreter.as_deref())
    {
        tool.as_object_mut().expect("an object").remove("parameter_description");
    }
    golden["tools"] = Value::Null;
    let listed: Vec<&Value> = listed.iter().collect();
    compare(&golden, Protocol::InternLm2(protocol), &listed);
}

#[test]
fn react_in_english_and_chinese() {
    for name in ["react_cibench_ipython", "react_cn_noaction"] {
        let Some(golden) = golden(name) else { return };
        let words = &golden["protocol"];
        let tag = |name: &str| words[name]["begin"].as_str().expect("a text").to_owned();
        let text = |name: &str| words[name].as_str().expect("a text").to_owned();
        let mut tags = ReactTags::default();
        (tags.thought, tags.action, tags.action_input) = (tag("thought"), tag("action"), tag("action_input"));
        (tags.response, tags.finish) = (tag("response"), tag("finish"));
        let mut protocol = React::default();
        protocol.errors = ErrorMode::Compat;
        (protocol.call_protocol, protocol.force_stop, protocol.tags) =
            (text("call_protocol"), text("force_stop"), tags);
        let listed: Vec<&Value> = golden["tools"].as_array().expect("a list").iter().collect();
        compare(&golden, Protocol::React(protocol), &listed);
    }
}

/// The texts of a golden's protocol by name.
fn texts<const N: usize>(golden: &Value, names: [&str; N]) -> [String; N] {
    names.map(|name| golden["protocol"][name].as_str().expect("a text").to_owned())
}

#[test]
fn rewoo_with_two_steps() {
    let Some(golden) = golden("rewoo_two_steps") else { return };
    let mut protocol = Rewoo::default();
    protocol.errors = ErrorMode::Compat;
    let names = ["planner_prompt", "worker_prompt", "solver_prompt", "reformat_prompt"];
    let ours = [&protocol.planner, &protocol.worker, &protocol.solver, &protocol.reformat].map(String::clone);
    assert_eq!(ours, texts(&golden, names));
    let listed: Vec<&Value> = golden["tools"].as_array().expect("a list").iter().collect();
    compare(&golden, Protocol::Rewoo(protocol), &listed);
}

#[test]
fn autogpt_up_to_its_finish_command() {
    let Some(golden) = golden("autogpt_finish") else { return };
    let mut protocol = AutoGpt::default();
    protocol.errors = ErrorMode::Compat;
    let names = ["ai_name", "prefix", "call_protocol", "triggering_prompt"];
    let ours =
        [&protocol.ai_name, &protocol.prefix, &protocol.call_protocol, &protocol.trigger].map(String::clone);
    assert_eq!(ours, texts(&golden, names));
    [protocol.role] = texts(&golden, ["role_description"]);
    protocol.os = golden["os_info"].as_str().expect("a text").to_owned();
    let listed: Vec<&Value> = golden["tools"].as_array().expect("a list").iter().collect();
    compare(&golden, Protocol::AutoGpt(protocol.clone()), &listed);
    // The finish command is listed whether it is one of the tools or not.
    compare(&golden, Protocol::AutoGpt(protocol), &listed[..listed.len() - 1]);
}

/// The JSON Schema of a parameter of a Python function. Without an annotation upstream sees only the documentation.
fn parameter(parameter: &Value) -> Value {
    let kind = parameter["type"].as_str().expect("a text");
    let mut schema = match (kind, parameter["annotated"].as_bool().expect("a flag")) {
        ("List[int]", true) => json!({"type": "array", "items": {"type": "integer"}}),
        ("List[str]", true) => json!({"type": "array", "items": {"type": "string"}}),
        ("List[int]" | "List[str]" | "list", _) => json!({"type": "array"}),
        ("Optional[int]", _) => json!({"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ("Optional[str]", _) => json!({"type": ["string", "null"]}),
        ("int", _) => json!({"type": "integer"}),
        ("float", _) => json!({"type": "number"}),
        ("bool", _) => json!({"type": "boolean"}),
        ("dict", _) => json!({"type": "object"}),
        ("str", _) => json!({"type": "string"}),
        other => panic!("unknown type {other:?}"),
    };
    let text = parameter["doc"].as_str().filter(|text| !text.is_empty());
    schema["description"] = text.map_or_else(|| parameter["name"].clone(), Value::from);
    schema
}

#[test]
fn thirty_tools_are_described_as_lagent_describes_them() {
    let Some(path) = shared_data("golden/lagent/tool_schemas.jsonl") else { return };
    let text = std::fs::read_to_string(path).expect("the golden is readable");
    let mut compared = 0;
    for line in text.lines() {
        let golden: Value = serde_json::from_str(line).expect("the golden is JSON");
        let class = golden["class"].as_str().expect("a text");
        let functions = golden["apis"].as_array().expect("a list");
        let described = functions.iter().map(|function| {
            let parameters = function["params"].as_array().expect("a list");
            let name = |parameter: &Value| parameter["name"].as_str().expect("a text").to_owned();
            let properties: serde_json::Map<String, Value> =
                parameters.iter().map(|found| (name(found), parameter(found))).collect();
            let required: Vec<String> =
                parameters.iter().filter(|found| found["default"].is_null()).map(name).collect();
            let method = function["name"].as_str().expect("a text");
            let name = if golden["toolkit"] == true { format!("{class}.{method}") } else { class.to_owned() };
            lagent_tool(&ToolSpec {
                name,
                description: function["doc"].as_str().expect("a text").to_owned(),
                parameters: json!({"type": "object", "properties": properties, "required": required}),
                input: ToolInput::Json,
            })
        });
        let described: Vec<Value> = described.collect();
        assert_eq!(json!(described).to_string(), golden["actions_info"].to_string(), "{}", golden["id"]);
        compared += 1;
    }
    assert_eq!(compared, 30);
}

#[test]
fn templates_are_upstreams_and_quotations_are_kept() {
    let folder = "golden/lagent/templates";
    let Some(path) = shared_data(format!("{folder}/templates.json")) else { return };
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).expect("the golden is readable");
    let golden: Value = serde_json::from_str(&read(path)).expect("the golden is JSON");
    let notes = ["source", "placeholders", "math_tags"];
    for (name, text) in golden.as_object().expect("an object") {
        if notes.contains(&name.as_str()) {
            continue;
        }
        let template = templates::named(name).expect(name);
        match text {
            Value::String(text) => assert_eq!(template.text(), text, "{name}"),
            other => {
                let ours: Value = serde_json::from_str(template.text()).expect("JSON");
                assert_eq!(ours, *other, "{name}");
            }
        }
    }
    for (name, file) in [("cibench_react", "seed_cibench.txt"), ("math_react", "seed_math.txt")] {
        let quoted = read(shared_data(format!("{folder}/{file}")).expect("is there with the others"));
        assert_eq!(
            templates::named(name).and_then(|found| found.verbatim()),
            Some(quoted.as_str()),
            "{name}"
        );
    }
}
