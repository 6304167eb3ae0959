//! Tests of reading training conversations.

use internlm_model::chat::Channel;

use super::*;

fn parse(line: &str) -> Result<Conversation, Problem> {
    parse_openai(&line.replace('\n', " "))
}

#[test]
fn calls_results_and_tools_become_plugin_turns() {
    let line = r#"{"tools": [{"type": "function", "function": {"name": "Calculator"}}], "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "1+1?"}]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function",
         "function": {"name": "Calculator", "arguments": "{\"expression\":\"1+1\"}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "2"}, {"role": "assistant", "content": "2."}]}"#;
    let conversation = parse(line).expect("parses");
    let messages = conversation.messages();
    let roles: Vec<&str> = messages.iter().map(|message| message.role.name()).collect();
    assert_eq!(roles, ["system", "system", "user", "assistant", "environment", "assistant"]);
    assert_eq!((messages[1].channel, messages[4].channel), (Some(Channel::Plugin), Some(Channel::Plugin)));
    assert_eq!(messages[1].text(), r#"[{"name": "Calculator"}]"#);
    let body = r#"{"name": "Calculator", "parameters": {"expression": "1+1"}}"#;
    assert_eq!(messages[3].calls[0].body, body);
    assert_eq!(conversation.learned(), 2);
}

#[test]
fn functions_are_the_older_name_of_tools() {
    let line = r#"{"functions": [{"name": "add", "parameters": {}}], "source": "web", "messages": [
        {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"#;
    let conversation = parse(line).expect("parses");
    assert_eq!(conversation.turns[0].message.text(), r#"[{"name": "add", "parameters": {}}]"#);
    let keys: Vec<&String> = conversation.fields.keys().collect();
    assert_eq!(keys, ["source"]);
}

#[test]
fn leading_answers_are_skipped() {
    let line = r#"{"messages": [{"role": "assistant", "content": "Hi"}, {"role": "system", "content": "s"},
        {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"}]}"#;
    let conversation = parse(line).expect("parses");
    assert_eq!((conversation.turns.len(), conversation.learned()), (3, 1));
}

#[test]
fn an_error_names_a_message_by_its_place_in_the_file() {
    let problems = [
        (r#""content": """#, "messages.3: an assistant message that says nothing"),
        (r#""content": "b", "weight": -0.5"#, "messages.3.weight: -0.5"),
        (
            r#""tool_calls": [{"function": {"name": "f", "arguments": "{"}}]"#,
            "messages.3.tool_calls.0.function.arguments: `{`",
        ),
    ];
    for (fields, expected) in problems {
        let line = format!(
            r#"{{"messages": [{{"role": "assistant", "content": "Hi"}}, {{"role": "assistant", "content": "Hi"}},
            {{"role": "user", "content": "a"}}, {{"role": "assistant", {fields}}}]}}"#
        );
        let (found, _) = parse(&line).expect_err(fields);
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn loss_and_weight_mask_in_every_spelling_and_never_reach_a_template() {
    let learned = |keys: &str| {
        let line = format!(
            r#"{{"messages": [{{"role": "user", "content": "a"}}, {{"role": "assistant", "content": "b", {keys}}},
            {{"role": "user", "content": "c"}}, {{"role": "assistant", "content": "d"}}]}}"#
        );
        let conversation = parse(&line).expect(keys);
        assert!(conversation.turns.iter().all(|turn| turn.message.fields.is_empty()), "{keys}");
        conversation.learned()
    };
    for value in ["false", "0", "0.0", r#""0""#, r#""false""#, r#""False""#] {
        assert_eq!(learned(&format!(r#""loss": {value}"#)), 1, "loss {value}");
        assert_eq!(learned(&format!(r#""weight": {value}"#)), 1, "weight {value}");
    }
    for value in ["true", "1", "1.0", r#""1""#, "null"] {
        assert_eq!(learned(&format!(r#""weight": {value}"#)), 2, "{value}");
    }
    assert_eq!(learned(r#""weight": 0, "loss": false"#), 1);
}

#[test]
fn parts_of_a_weight_say_how_much_an_answer_counts() {
    let weight = |keys: &str| {
        let line = format!(
            r#"{{"messages": [{{"role": "user", "content": "a"}}, {{"role": "assistant", "content": "b", {keys}}}]}}"#
        );
        parse(&line).expect(keys).turns[1].weight
    };
    assert_eq!(
        [r#""weight": 0.5"#, r#""weight": "2", "loss": true"#, r#""loss": 1"#].map(weight),
        [0.5, 2.0, 1.0]
    );
}

#[test]
fn messages_alone_and_texts_of_lists_are_read() {
    let list = r#"[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]"#;
    let text = serde_json::Value::from(list);
    let tools = serde_json::Value::from(r#"[{"type": "function", "function": {"name": "add"}}]"#);
    let expected = parse(&format!(r#"{{"messages": {list}}}"#)).expect("parses");
    for line in [list.to_owned(), format!(r#"{{"messages": {text}}}"#), format!(r#"{{"dialogs": {list}}}"#)] {
        assert_eq!(parse(&line).expect("parses"), expected, "{line}");
    }
    let offered = parse(&format!(r#"{{"messages": {list}, "tools": {tools}}}"#)).expect("parses");
    assert_eq!(offered.turns[0].message.text(), r#"[{"name": "add"}]"#);
    let none = parse(&format!(r#"{{"messages": {list}, "tools": ""}}"#)).expect("parses");
    assert_eq!(none, expected);
}

#[test]
fn parts_with_thoughts_and_calls_are_read() {
    let line = r#"{"messages": [{"role": "user", "content": [{"type": "text", "value": "Oslo?"}]},
        {"role": "assistant", "content": [{"type": "reasoning", "value": "I need the weather."},
         {"type": "tool_call", "value": "{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}"}]},
        {"role": "tool", "content": [{"type": "text", "value": "cold"}]},
        {"role": "assistant", "content": [{"type": "text", "value": "Cold."}]}]}"#;
    let messages = parse(line).expect("parses").messages();
    assert_eq!(messages[1].calls[0].body, r#"{"name": "weather", "parameters": {"city": "Oslo"}}"#);
    assert_eq!(messages[1].fields["reasoning_content"], "I need the weather.");
    assert_eq!(messages[2].channel, Some(Channel::Plugin));
}

#[test]
fn problems_say_what_was_found_and_expected() {
    let answer = |rest: &str| format!(r#"{{"messages": [{{"role": "user", "content": "x"}}, {rest}]}}"#);
    let cases = [
        ("{".to_owned(), "an object that does not end on its line"),
        ("{}".to_owned(), "missing field `messages`"),
        ("[]".to_owned(), "no assistant message with loss (roles: )"),
        ("[".to_owned(), "an object that does not end on its line"),
        ("3".to_owned(), "a number"),
        ("[3]".to_owned(), "messages.0: a number"),
        (r#"{"messages": 3}"#.to_owned(), "messages: a number"),
        (r#"{"messages": [], "messages": []}"#.to_owned(), "the key `messages` stands twice"),
        (answer(r#"{"role": "robot", "content": "x"}"#), "messages[1].role: unknown variant `robot`"),
        (answer(r#"{"content": "x"}"#), "missing field `role`"),
        (r#"{"messages": [{"role": "user", "content": "x"}]}"#.to_owned(), "no assistant message"),
        (answer(r#"{"role": "user", "content": 1}"#), "messages[1].content: expected a string"),
        (
            answer(r#"{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}"#),
            "messages.1.tool_calls.0.function.arguments: `{`, which is not JSON",
        ),
        (
            answer(
                r#"{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "\"{}\""}}]}"#,
            ),
            "messages.1.tool_calls.0.function.arguments: an object that was encoded as text twice",
        ),
        (
            answer(r#"{"role": "assistant", "content": ""}"#),
            "messages.1: an assistant message that says nothing",
        ),
        (answer(r#"{"role": "assistant", "content": "y", "weight": -1}"#), "messages.1.weight: -1"),
        (answer(r#"{"role": "assistant", "content": "y", "loss": 0.5}"#), "messages.1.loss: 0.5"),
        (answer(r#"{"role": "assistant", "content": "y", "train": false}"#), "messages.1.train: false"),
        (answer(r#"{"role": "user", "content": "y", "loss_mask": 0}"#), "messages.1.loss_mask: 0"),
        (answer(r#"{"role": "user", "content": "y", "loss": true}"#), "messages.1.loss: true on a message"),
        (
            answer(r#"{"role": "assistant", "content": "y", "loss": true, "weight": 0}"#),
            "`loss` and `weight` that contradict",
        ),
    ];
    for (line, expected) in cases {
        let (found, _) = parse(&line).expect_err(&line);
        assert!(found.contains(expected), "{line}: {found}");
    }
}
