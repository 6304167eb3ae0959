//! Tests of rewriting dialogues with tools.

use serde_json::json;

use super::super::name::Format;
use super::*;

/// Role and text of every message.
fn messages(conversations: Value) -> Vec<(String, String)> {
    let row = json!({"conversations": conversations});
    let mut fields = RowFields::new(row, Format::MsagentReact).expect("an object");
    let Parsed::Chat(chat) = parse(&mut fields).expect("turns") else { panic!("left out") };
    let turns = chat.into_conversation().expect("a conversation").turns;
    turns
        .into_iter()
        .map(|turn| (turn.message.role.name().to_owned(), turn.message.text().to_owned()))
        .collect()
}

#[test]
fn calls_and_results_become_lines_of_react() {
    let call = "我来查。<|startofthink|>```JSON\n{\"api_name\": \"weather\", \"parameters\": {\"city\": \"Oslo\"}}```\
                <|endofthink|>\n\n<|startofexec|>```JSON\n{\"degrees\": -3}```<|endofexec|>\n It is cold. ";
    let system = "Tools: {\"name\": \"weather\", \"description\": \"tells\", \"paths\": [{\"parameters\": \
                  [{\"name\": \"city\", \"description\": \"where\"}]}]} and {\"x\": 1}";
    let turns = json!([{"from": "system", "value": system}, {"from": "user", "value": "Oslo?"},
        {"from": "assistant", "value": call}, {"from": "user", "value": "Thanks"},
        {"from": "assistant", "value": "Welcome"}]);
    let text = tools_text(system);
    assert!(text.starts_with("你是一个可以调用外部工具的助手，可以使用的工具包括：\n{'weather': \"tells\\n输入参数: {'city': 'where'}\"}\n"));
    assert!(text.contains("从 [['weather']] 选择\n"), "{text}");
    let expected = [
        ("system", text.as_str()),
        ("user", "Oslo?\n"),
        ("assistant", "Thought:我来查。\nAction:weather\nAction Input:{'city': 'Oslo'}\n\n\n\n"),
        ("system", "Response:{'degrees': -3}\n"),
        ("assistant", "Final Answer:It is cold.\n"),
        ("user", "Thanks\n"),
        ("assistant", "Final Answer:Welcome\n"),
    ];
    let expected: Vec<(String, String)> =
        expected.iter().map(|(role, text)| ((*role).to_owned(), (*text).to_owned())).collect();
    assert_eq!(messages(turns.clone()), expected);
    assert_eq!(messages(Value::String(turns.to_string())), expected);
    assert_eq!(messages(Value::String(super::super::python::python_repr(&turns))), expected);
}

#[test]
fn rows_that_cannot_be_read_are_left_out_and_wrong_ones_refused() {
    let parsed = |conversations: Value| {
        let row = json!({"conversations": conversations});
        parse(&mut RowFields::new(row, Format::MsagentReact).expect("an object"))
    };
    let answer = |text: &str| json!([{"from": "user", "value": "?"}, {"from": "assistant", "value": text}]);
    for left in [
        answer("<|startofthink|>weather()<|endofthink|>"),
        answer("<|startofthink|>{\"name\": 1}<|endofthink|>"),
        answer("<|startofexec|>{<|endofexec|>"),
        answer("<|startofexec|>{}<|endofexec|><|startofexec|>{}<|endofexec|>"),
        json!([{"from": "user", "value": "?"}]),
        json!([{"from": "user", "value": "?"}, {"from": "user", "value": "?"}]),
    ] {
        assert!(matches!(parsed(left.clone()), Ok(Parsed::Left(_))), "{left}");
    }
    for (wrong, found) in [
        (json!([{"from": "gpt", "value": "x"}, 1]), "conversations.0: from \"gpt\""),
        (json!([1, 2]), "conversations.0: no text `value`"),
        (json!("open('x')"), "conversations: `open`"),
        (json!(3), "conversations: a number"),
    ] {
        assert_eq!(parsed(wrong).expect_err(found).0, found);
    }
}
