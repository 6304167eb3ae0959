//! Tests of writing OpenAI's messages: what was read comes back as it was.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::read_messages;
use super::*;

/// What a reader of the JSON gets.
fn read_back(messages: &[Message]) -> Vec<Message> {
    let json = serde_json::to_value(write_messages(messages)).expect("serializes");
    read_messages(&serde_json::from_value::<Vec<ChatMessage>>(json).expect("parses")).expect("fits")
}

fn call(channel: Channel, body: &str) -> ToolCall {
    ToolCall::new(channel, body)
}

#[test]
fn a_conversation_made_in_code_comes_back_with_ids_and_names() {
    let history = [
        Message::system("[]").on(Channel::Plugin),
        Message::user("q"),
        Message::assistant("t").with_calls(vec![
            call(Channel::Plugin, "not json").with_id("a"),
            call(Channel::Plugin, r#"{"name": "T", "parameters": {"a": 1}}"#),
            call(Channel::Plugin, r#"{"name":"T","parameters":[1]}"#),
            call(Channel::Interpreter, "```python\n1\n```"),
        ]),
        Message::environment(Channel::Plugin, "error"),
        Message::environment(Channel::Plugin, "2"),
        Message::environment(Channel::Interpreter, "1").with_call_id("x"),
    ];
    let json = serde_json::to_value(write_messages(&history)).expect("serializes");
    let function = |index: usize| json[2]["tool_calls"][index]["function"].to_string();
    assert_eq!(function(0), r#"{"name":"<|plugin|>","arguments":"not json"}"#);
    assert_eq!(function(1), r#"{"name":"T","arguments":"{\"a\":1}"}"#);
    assert_eq!(json[4].to_string(), r#"{"role":"tool","content":"2","tool_call_id":"call_1"}"#);
    assert_eq!(json[5]["name"], "<|interpreter|>");
    let mut expected = history.to_vec();
    expected[0].name = Some("<|plugin|>".to_owned());
    for (index, id) in [(1, "call_1"), (2, "call_2"), (3, "call_3")] {
        expected[2].calls[index].id = Some(id.to_owned());
    }
    expected[3].call_id = Some("a".to_owned());
    expected[4].call_id = Some("call_1".to_owned());
    expected[5].name = Some("<|interpreter|>".to_owned());
    assert_eq!(read_back(&history), expected);
}

#[test]
fn a_result_of_nothing_is_an_environment_turn() {
    let written = write_messages(&[Message::environment(Channel::Interpreter, "4")]);
    let json = serde_json::to_string(&written[0]).expect("serializes");
    assert_eq!(json, r#"{"role":"environment","content":"4","name":"<|interpreter|>"}"#);
}

#[test]
fn made_up_ids_differ_from_given_ones_and_from_each_other() {
    let reply = |calls: Vec<ToolCall>| Message::assistant("").with_calls(calls);
    let code = || call(Channel::Interpreter, "1");
    let history = [reply(vec![code(), code()]), reply(vec![code().with_id("call_0"), code()])];
    let written = write_messages(&history);
    let ids: Vec<&str> = written.iter().flat_map(ChatMessage::calls).map(|call| call.id.as_str()).collect();
    assert_eq!(ids, ["call_1", "call_2", "call_0", "call_3"]);
}

#[test]
fn a_function_that_is_called_like_a_mark_stays_a_plugin_call() {
    let body = r#"{"name": "<|interpreter|>", "parameters": {"a": 1}}"#;
    let history = [Message::assistant("t").with_calls(vec![call(Channel::Plugin, body).with_id("a")])];
    assert_eq!(read_back(&history), history);
}

#[test]
fn results_out_of_order_answer_their_calls() {
    let code = |id: &str| call(Channel::Interpreter, "1").with_id(id);
    let history = [
        Message::assistant("t").with_calls(vec![code("a"), code("b"), code("c")]),
        Message::environment(Channel::Interpreter, "of b").with_call_id("b"),
        Message::environment(Channel::Interpreter, "of a"),
        Message::environment(Channel::Interpreter, "of c"),
    ];
    let ids: Vec<Option<String>> =
        write_messages(&history).into_iter().skip(1).map(|message| message.tool_call_id).collect();
    assert_eq!(ids, ["b", "a", "c"].map(|id| Some(id.to_owned())));
}

/// Names of people, functions and channels, in both spellings of the channels.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["T", "alice", "file", "interpreter", "plugin", "<|interpreter|>", "<|plugin|>"])
        .prop_map(str::to_owned)
}

/// A call whose id is `place`; some bodies are not a call of a function with an object.
fn any_call(place: String) -> impl Strategy<Value = ToolCall> {
    let arguments = prop::sample::select(vec![r#"{"a": 1.5e-7}"#, "{}", "[1]", r#"{"b":2}"#, "{"]);
    let plugin = (name(), arguments)
        .prop_map(|(name, arguments)| format!(r#"{{"name": "{name}", "parameters": {arguments}}}"#));
    let channel = prop::sample::select(Channel::CALLS.to_vec());
    (channel, prop_oneof![plugin, Just("print(1)".to_owned())])
        .prop_map(move |(channel, body)| ToolCall::new(channel, body).with_id(place.clone()))
}

/// A reply with calls and their results in any order, and a message of another role.
fn round(number: usize) -> impl Strategy<Value = Vec<Message>> {
    let calls = (0..3_usize).map(|at| any_call(format!("{number}-{at}"))).collect::<Vec<_>>();
    let results = prop::collection::vec((0..4_usize, prop::option::of(name())), 0..4);
    let content = prop::option::of(Just("t".to_owned()));
    let asked = (prop::sample::select(vec!["system", "user", "assistant"]), prop::option::of(name()));
    (calls, results, content, asked).prop_map(move |(calls, results, content, (role, name))| {
        let reply = Message { content, ..Message::assistant("") }.with_calls(calls);
        let mut json = vec![json!({"role": role, "name": name, "content": "q", "reasoning_content": "why"})];
        json.extend(write_messages(&[reply]).iter().map(|message| json!(message)));
        json.extend(results.into_iter().map(|(at, name)| {
            let id = format!("{number}-{at}");
            json!({"role": "tool", "name": name, "content": at.to_string(), "tool_call_id": id})
        }));
        let messages: Vec<ChatMessage> = serde_json::from_value(Value::Array(json)).expect("parses");
        read_messages(&messages).expect("fits")
    })
}

proptest! {
    #[test]
    fn what_was_read_comes_back_as_it_was(first in round(0), second in round(1)) {
        let history = [first, second].concat();
        prop_assert_eq!(read_back(&history), history);
    }
}
