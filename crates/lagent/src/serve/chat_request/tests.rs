//! Tests of requests for chats, and of those that continue a run.

use super::*;
use crate::action::Toolbox;
use crate::llm::Scripted;
use crate::run::{AgentRun, AgentSpec};
use crate::serve::ServeConfig;
use crate::serve::agents::Agents;
use crate::serve::drive::Scene;
use crate::serve::run::{Run, RunName};

fn app() -> App {
    let run = AgentRun::new(AgentSpec::internlm2(Vec::new()));
    let agent = ServedAgent::new("a", run, Scripted::default(), Toolbox::default());
    App::new(Agents::new([agent]).expect("an agent"), &ServeConfig::default()).expect("an app")
}

fn read(body: Value) -> Result<ChatQuestion, Failure> {
    ChatQuestion::read(&app(), serde_json::from_value(body).expect("an object"))
}

#[test]
fn fields_without_effect_are_taken_and_others_refused() {
    let plain = json!([{"role": "user", "content": "hi"}]);
    let read_with = |name: &str, value: Value| read(json!({"model": "a", "messages": plain, name: value}));
    for (name, value) in [
        ("n", json!(1)),
        ("tools", json!([])),
        ("user", json!("me")),
        ("metadata", json!({"k": "v"})),
        ("presence_penalty", json!(0.0)),
        ("agent_tools", json!("calls")),
        ("stream_options", Value::Null),
    ] {
        assert!(read_with(name, value).is_ok(), "{name}");
    }
    let image = json!([{"role": "user", "content": [{"type": "image_url"}]}]);
    for (name, value, param) in [
        ("n", json!(2), "n"),
        ("tools", json!([{"type": "function"}]), "tools"),
        ("response_format", json!({"type": "json_object"}), "response_format"),
        ("session_id", json!(1), "session_id"),
        ("agent_tools", json!("both"), "agent_tools"),
        ("temperature", json!(5), "temperature"),
        ("stream_options", json!({"include_usage": true}), "stream_options"),
        ("messages", json!([]), "messages"),
        ("messages", image, "messages.0.content.0.type"),
        ("model", json!("b"), "model"),
    ] {
        let failure = read_with(name, value).expect_err(name);
        assert_eq!(failure.param.as_deref(), Some(param), "{}", failure.message);
        assert!(failure.message.contains("expected"), "{}", failure.message);
    }
}

/// A run that waits for two calls.
fn parked(question: ChatQuestion) -> ParkedRun {
    let name = RunName { id: "run_1".to_owned(), agent: "a".to_owned(), session: Value::Null, created: 0 };
    let (run, control) = Run::new("local".into(), name);
    let call = |id| OpenCall { id, name: "T".to_owned(), args: json!({"x": id}) };
    let machine = question.agent.machine.clone();
    let ChatQuestion { agent, tuning, mode, asked, .. } = question;
    let scene = Scene { agent, run, tuning, mode, session: String::new() };
    ParkedRun { scene, control, machine, asked, calls: vec![call(2), call(3)], text: String::new() }
}

/// The conversation of such a run, with its results.
fn conversation(question: &str, results: &[(&str, &str)]) -> Value {
    let calls = json!([
        {"id": "call_run_1_2", "type": "function", "function": {"name": "T", "arguments": "{\"x\":2}"}},
        {"id": "call_run_1_3", "type": "function", "function": {"name": "T", "arguments": "{\"x\":3}"}},
    ]);
    let mut messages = vec![
        json!({"role": "user", "content": question}),
        json!({"role": "assistant", "content": null, "tool_calls": calls, "refusal": null}),
    ];
    for (id, text) in results {
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": text}));
    }
    json!({"messages": messages, "agent_tools": "calls"})
}

#[test]
fn a_parked_run_continues_only_with_its_own_conversation() {
    let begin = json!({"messages": [{"role": "user", "content": "hi"}], "agent_tools": "calls"});
    let parked = parked(read(begin).expect("good"));
    let both = [("call_run_1_3", "three"), ("call_run_1_2", "two")];
    let good = read(conversation("hi", &both)).expect("good");
    assert_eq!((good.continued(), good.check(&parked)), (Some("run_1"), Ok(())));
    let texts: Vec<String> = good
        .results("run_1", &parked.calls)
        .into_iter()
        .map(|event| match event {
            Event::Tool { call, outcome } => format!("{call}: {}", outcome.value.for_model()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["2: two", "3: three"], "in the order of the calls");
    for (body, param) in [
        (conversation("something else", &both), "messages"),
        (conversation("hi", &both[..1]), "messages"),
        (conversation("hi", &[both[0], both[0]]), "messages"),
    ] {
        let refused = read(body).expect("well-formed").check(&parked).expect_err("another conversation");
        assert_eq!(refused.param.as_deref(), Some(param), "{}", refused.message);
    }
    let mut cooler = conversation("hi", &both);
    cooler["temperature"] = json!(1);
    let refused = read(cooler).expect("well-formed").check(&parked).expect_err("other settings");
    assert_eq!(refused.param.as_deref(), Some("sampling"));
}

#[test]
fn results_of_others_continue_nothing() {
    for id in ["call_1", "call_abc_1", "toolu_1"] {
        let call = json!({"id": id, "type": "function", "function": {"name": "T", "arguments": "{}"}});
        let body = json!({"messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": id, "content": "x"},
        ]});
        assert_eq!(read(body).expect("good").continued(), None, "{id}");
    }
}
