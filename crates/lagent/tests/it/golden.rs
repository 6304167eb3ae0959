//! Transcripts of lagent 0.2.4: every prompt, every call, the answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use internlm_kit::testing::shared_data;
use internlm_model::chat::Message;
use lagent::action::{Action, ActionReturn, ActionState, ToolInput, ToolSpec, Toolbox};
use lagent::driver::{Silent, drive_blocking};
use lagent::llm::Scripted;
use lagent::protocol::{ErrorMode, InternLm2, Presentation, Protocol, React, ReactTags, lagent_message};
use lagent::run::{AgentRun, AgentSpec};
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
    let made = |call: &&Value| call["name"] != "NoAction" && call["name"] != "FinishAction";
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
    spec.limits.max_turn = golden["max_turn"].as_u64().expect("a number") as u32;
    let turns = golden["turns"].as_array().expect("a list");
    let model = Scripted::new(turns.iter().map(|turn| turn["reply"].as_str().expect("a text")));
    let mut turn = 0;
    let mut run = AgentRun::new(spec);
    let question = Message::user(golden["question"].as_str().expect("a text"));
    let ending = drive_blocking(
        &mut run,
        vec![question],
        |asked| {
            let prompt: Vec<Value> = asked.messages.iter().map(lagent_message).collect();
            assert_eq!(Value::from(prompt), turns[turn]["prompt"], "prompt {turn}");
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
