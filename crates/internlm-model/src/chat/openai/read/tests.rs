//! Tests of reading OpenAI's messages.

use serde_json::json;

use super::super::super::{CallProblem, ChatTemplate, Prompt, offer_tools};
use super::*;

fn messages(json: Value) -> Result<Vec<Message>, FieldProblem> {
    read_messages(&serde_json::from_value::<Vec<ChatMessage>>(json).expect("messages"))
}

#[test]
fn tools_follow_the_system_message_and_calls_become_markup() {
    let mut read = messages(json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "2+2?"}]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c0", "type": "function",
            "function": {"name": "add", "arguments": "{\"b\":2,\"a\":[2,3]}"}}]},
        {"role": "tool", "tool_call_id": "c0", "content": "4"},
    ]))
    .expect("fits");
    let tools = json!([{"type": "function", "function": {"name": "add", "description": "Adds."}}]);
    let tools: Vec<ToolDefinition> = serde_json::from_value(tools).expect("tools");
    offer_tools(&mut read, &read_tools(&tools).expect("functions"));
    let expected = "<s><|im_start|>system\nBe brief.<|im_end|>\n\
        <|im_start|>system name=<|plugin|>\n[{\"name\": \"add\", \"description\": \"Adds.\"}]<|im_end|>\n\
        <|im_start|>user\n2+2?<|im_end|>\n\
        <|im_start|>assistant\n<|action_start|><|plugin|>\n\
        {\"name\": \"add\", \"parameters\": {\"b\": 2, \"a\": [2, 3]}}<|action_end|><|im_end|>\n\
        <|im_start|>environment name=<|plugin|>\n4<|im_end|>\n\
        <|im_start|>assistant\n";
    assert_eq!(ChatTemplate::InternLm2.render(&read, Prompt::Generate).expect("renders"), expected);
    assert_eq!((read[3].calls[0].id.as_deref(), read[4].call_id.as_deref()), (Some("c0"), Some("c0")));
}

#[test]
fn parts_have_several_names_of_text() {
    let read = messages(json!([{"role": "user", "content": [
        "a", {"type": "input_text", "text": "b"}, {"type": "output_text", "text": "c"}, {"text": "d"},
        {"type": "refusal", "refusal": "e"},
    ]}]));
    assert_eq!(read.expect("texts")[0].content.as_deref(), Some("a\nb\nc\nd\ne"));
    for part in [json!({"type": "refusal", "text": "e"}), json!({"type": "input_image"}), json!({})] {
        let wrong = messages(json!([{"role": "user", "content": [part]}])).expect_err("no text");
        assert!(wrong.to_string().starts_with("messages.0.content.0.type: found `"), "{wrong}");
    }
}

#[test]
fn names_choose_channels_but_for_the_assistant() {
    let read = messages(json!([
        {"role": "developer", "name": "<|interpreter|>", "content": "Python."},
        {"role": "user", "name": "alice", "content": "hi"},
        {"role": "user", "name": "file", "content": "a.csv"},
        {"role": "assistant", "name": "plugin", "content": "x"},
        {"role": "environment", "name": "interpreter", "content": "4"},
        {"role": "tool", "name": "get_weather", "content": "5"},
    ]))
    .expect("fits");
    let channels: Vec<_> = read.iter().map(|message| message.channel).collect();
    let (plugin, interpreter) = (Some(Channel::Plugin), Some(Channel::Interpreter));
    assert_eq!(channels, [interpreter, None, Some(Channel::File), None, interpreter, plugin]);
    assert_eq!(read[1].name.as_deref(), Some("alice"));
}

#[test]
fn null_stays_null_only_beside_calls_and_other_keys_are_kept() {
    let call = json!([{"function": {"name": "f", "arguments": {"a": 1}}}]);
    let read = messages(json!([
        {"role": "assistant", "tool_calls": call},
        {"role": "assistant", "content": "", "tool_calls": call},
        {"role": "assistant", "content": [], "tool_calls": null, "refusal": null, "reasoning_content": "why"},
        {"role": "user"},
    ]))
    .expect("fits");
    let contents: Vec<_> = read.iter().map(|message| message.content.as_deref()).collect();
    assert_eq!(contents, [None, Some(""), Some(""), Some("")]);
    assert_eq!(read[0].calls[0].body, r#"{"name": "f", "parameters": {"a": 1}}"#);
    assert_eq!(Value::Object(read[2].fields.clone()), json!({"reasoning_content": "why"}));
}

#[test]
fn thoughts_in_parts_are_the_reasoning_of_an_assistant() {
    let thinking = |key: &str| json!({"type": key, key: format!("{key}?")});
    let parts = json!([thinking("thinking"), {"type": "text", "text": "a"}, thinking("reasoning"), "b"]);
    let read = messages(json!([{"role": "assistant", "content": parts}])).expect("fits");
    assert_eq!(read[0].text(), "a\nb");
    assert_eq!(Value::Object(read[0].fields.clone()), json!({"reasoning_content": "thinking?\nreasoning?"}));
    let of_text = json!([{"type": "reasoning", "text": "why"}]);
    let read = messages(json!([{"role": "assistant", "reasoning": null, "content": of_text}])).expect("fits");
    assert_eq!((read[0].text(), &read[0].fields["reasoning_content"]), ("", &json!("why")));
    let part: ContentPart = serde_json::from_value(thinking("reasoning")).expect("a part");
    let written = json!({"type": "thinking", "thinking": "reasoning?"});
    assert_eq!(serde_json::to_value(part).expect("JSON"), written);
}

#[test]
fn thoughts_have_one_author_and_one_place() {
    let parts = json!([{"type": "text", "text": "a"}, {"type": "thinking", "thinking": "b"}]);
    let empty = json!([{"type": "thinking"}]);
    for (message, place, found) in [
        (
            json!({"role": "user", "content": parts}),
            "messages.0.content.1.type",
            "thoughts in a message of user",
        ),
        (
            json!({"role": "assistant", "content": parts, "reasoning": "c"}),
            "messages.0.reasoning",
            "thoughts next to those in `content`",
        ),
        (json!({"role": "assistant", "content": empty}), "messages.0.content.0.type", "`thinking`"),
    ] {
        let problem = messages(json!([message])).expect_err(place);
        assert_eq!((problem.place.as_str(), problem.found.as_str()), (place, found));
    }
}

#[test]
fn null_says_as_little_as_an_absent_key() {
    let parts = json!([{"type": "text", "text": null}, {"type": "text"}, {"type": "text", "text": "a"}]);
    let read = messages(json!([
        {"role": "user", "content": parts},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": null, "type": null, "function": {"name": "f", "arguments": null}},
            {"function": {"name": "f"}},
        ]},
        {"role": "tool", "tool_call_id": null, "name": null, "content": null},
    ]))
    .expect("fits");
    assert_eq!(read[0].text(), "\n\na");
    assert_eq!(read[1].calls[0], read[1].calls[1]);
    assert_eq!((read[2].call_id.as_deref(), read[2].text()), (None, ""));
}

#[test]
fn a_call_of_a_channel_carries_its_text_as_it_is() {
    let function = json!({"name": "<|interpreter|>", "arguments": "```python\n1+1\n```"});
    let read =
        messages(json!([{"role": "assistant", "tool_calls": [{"function": function}]}])).expect("fits");
    assert_eq!(read[0].calls, [ToolCall::new(Channel::Interpreter, "```python\n1+1\n```")]);
}

#[test]
fn the_older_form_of_a_call_and_its_result_are_the_same_turns() {
    let turns = |call: Value, result: Value| {
        let read = messages(json!([{"role": "user", "content": "q"}, call, result])).expect("fits");
        ChatTemplate::InternLm2.render(&read, Prompt::Generate).expect("renders")
    };
    let function = json!({"name": "add", "arguments": "{\"a\":1}"});
    let older = turns(
        json!({"role": "assistant", "content": "x", "function_call": function}),
        json!({"role": "function", "name": "file", "content": "7"}),
    );
    let newer = turns(
        json!({"role": "assistant", "content": "x", "tool_calls": [{"id": "c", "function": function}]}),
        json!({"role": "tool", "tool_call_id": "c", "content": "7"}),
    );
    assert_eq!(older, newer);
    assert!(
        older.contains("x<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"a\": 1}}"),
        "{older}"
    );
    let read = messages(json!([{"role": "assistant", "function_call": function}])).expect("fits");
    assert_eq!((read[0].content.as_deref(), read[0].fields.len()), (None, 0));
}

#[test]
fn results_are_on_the_channel_of_their_call_whatever_the_function_is_called() {
    let call = |id: &str, name: &str| json!({"id": id, "function": {"name": name, "arguments": "{}"}});
    let result =
        |id: &str, name: &str| json!({"role": "tool", "tool_call_id": id, "name": name, "content": "1"});
    let calls = [call("a", "interpreter"), call("b", "<|interpreter|>"), call("c", "file")];
    let read = messages(json!([
        {"role": "assistant", "tool_calls": calls},
        result("a", "interpreter"), result("b", "python"), result("c", "file"), result("d", "plugin"),
        result("d", "<|interpreter|>"),
    ]))
    .expect("fits");
    let channels: Vec<_> = read[1..].iter().map(|message| message.channel).collect();
    let (plugin, interpreter) = (Some(Channel::Plugin), Some(Channel::Interpreter));
    assert_eq!(channels, [plugin, interpreter, plugin, plugin, interpreter]);
    assert_eq!(read[3].name.as_deref(), Some("file"));
}

#[test]
fn problems_name_place_found_and_expected() {
    let call = |arguments: &str| json!([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}]);
    let place = "messages.0.tool_calls.0.function.arguments: found ";
    let cases = [
        (call("[1]"), format!("{place}a list, expected a JSON object as text")),
        (call("7"), format!("{place}a number, expected a JSON object as text")),
        (call("\"{\\\"a\\\": 1}\""), format!("{place}an object that was encoded as text twice")),
        (call("{"), format!("{place}`{{`, which is not JSON")),
        (
            json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}]),
            "messages.0.content.1.type: found `image_url`, expected `text`".to_owned(),
        ),
        (
            json!([{"role": "user", "tool_calls": [{"function": {"name": "f"}}]}]),
            "messages.0.tool_calls: found calls in a message of user, expected calls only of".to_owned(),
        ),
        (
            json!([{"role": "user", "function_call": {"name": "f"}}]),
            "messages.0.function_call: found calls in a message of user, expected calls only of".to_owned(),
        ),
        (
            json!([{"role": "assistant", "function_call": {"name": "f", "arguments": "[1]"}}]),
            "messages.0.function_call.arguments: found a list, expected a JSON object as text".to_owned(),
        ),
        (
            json!([{"role": "assistant", "function_call": {"name": "f"}, "tool_calls": [{"function": {"name": "f"}}]}]),
            "messages.0.tool_calls: found calls next to `function_call`, expected only one of the two"
                .to_owned(),
        ),
        (
            json!([{"role": "assistant", "tool_calls": [{"type": "custom", "function": {"name": "f"}}]}]),
            "messages.0.tool_calls.0.type: found `custom`, expected `function`".to_owned(),
        ),
    ];
    for (json, expected) in cases {
        let problem = messages(json).expect_err(&expected).to_string();
        assert!(problem.starts_with(&expected), "{problem}");
    }
}

#[test]
fn tools_may_leave_their_wrapper_out_and_must_be_functions() {
    let parse = |json: Value| serde_json::from_value::<ToolDefinition>(json);
    let bare = parse(json!({"name": "f", "strict": true})).expect("a function");
    assert_eq!((bare.kind.as_str(), bare.function.name()), ("function", "f"));
    let other = parse(json!({"type": "retrieval", "function": {"name": "f"}})).expect("a wrapped tool");
    let problem = read_tools(&[bare, other]).expect_err("not a function").to_string();
    assert_eq!(problem, "tools.1.type: found `retrieval`, expected `function`");
    assert!(
        parse(json!({"type": "web_search"})).expect_err("no function").to_string().contains("web_search")
    );
    assert!(
        parse(json!({"type": "function", "function": {}})).expect_err("no name").to_string().contains("name")
    );
}

#[test]
fn a_wrong_call_of_a_reply_keeps_its_text_and_its_problem() {
    let read = |arguments: &str| {
        let function = FunctionCall { name: "T".to_owned(), arguments: arguments.to_owned() };
        read_reply_call(&ApiCall::new("a", function))
    };
    assert_eq!(read("{\"a\":1}").body, r#"{"name": "T", "parameters": {"a": 1}}"#);
    let list = read("[1]");
    assert_eq!((list.body.as_str(), list.id.as_deref()), (r#"{"name": "T", "parameters": [1]}"#, Some("a")));
    assert_eq!(PluginCall::parse(&list.body), Err(CallProblem::Parameters { found: "a list" }));
    assert!(matches!(PluginCall::parse(&read("{\"a\": ").body), Err(CallProblem::NotJson { .. })));
}
