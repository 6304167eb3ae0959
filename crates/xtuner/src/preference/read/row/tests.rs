//! Every form of a row gives the same comparison.

use internlm_model::chat::{Message, Role};

use super::*;

/// The texts of prompt, chosen and rejected answer, roles first.
fn parsed(row: &str) -> [Vec<(Role, String)>; 3] {
    let said = |messages: Vec<Message>| -> Vec<(Role, String)> {
        messages.iter().map(|message| (message.role, message.text().to_owned())).collect()
    };
    match parse_preference(row) {
        Ok(Preference::Pair { prompt, chosen, rejected }) => [prompt, chosen, rejected].map(said),
        other => panic!("{row}: {other:?}"),
    }
}

#[test]
fn pairs_of_every_form_are_the_same() {
    let user = |text: &str| (Role::User, text.to_owned());
    let says = |text: &str| (Role::Assistant, text.to_owned());
    let expected = [vec![user("2 + 2?")], vec![says("4")], vec![says("5")]];
    for row in [
        r#"{"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}"#,
        r#"{"question": "2 + 2?", "chosen": "4", "rejected": "5", "score": 1}"#,
        r#"{"prompt": [{"role": "user", "content": "2 + 2?"}], "chosen": [{"role": "assistant", "content": "4"}],
            "rejected": [{"role": "assistant", "content": "5"}]}"#,
        r#"{"conversations": [{"from": "human", "value": "2 + 2?"}], "chosen": {"from": "gpt", "value": "4"},
            "rejected": {"from": "gpt", "value": "5"}, "system": "", "tools": ""}"#,
        r#"{"instruction": "2 + 2?", "input": "", "output": "7", "chosen": "4", "rejected": "5"}"#,
        r#"{"chosen": "\n\nHuman: 2 + 2?\n\nAssistant: 4", "rejected": "\n\nHuman: 2 + 2?\n\nAssistant: 5"}"#,
        r#"{"prompt": "ignored: the answers have it", "chosen": [{"role": "user", "content": "2 + 2?"},
            {"role": "assistant", "content": "4"}], "rejected": [{"role": "user", "content": "2 + 2?"},
            {"role": "assistant", "content": "5"}]}"#,
    ] {
        assert_eq!(parsed(row), expected, "{row}");
    }
}

#[test]
fn instructions_have_inputs_histories_and_systems() {
    let row = r#"{"system": "Be brief.", "history": [["a", "b"]], "instruction": "Add.", "input": "2 2",
        "chosen": "4", "rejected": "5"}"#;
    let [prompt, ..] = parsed(row);
    let texts: Vec<&str> = prompt.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["Be brief.", "a", "b", "Add.\n2 2"]);
}

#[test]
fn calls_and_tools_are_part_of_the_conversation() {
    let row = r#"{"conversations": [{"from": "human", "value": "1+1?"}], "tools": "[{\"name\": \"add\"}]",
        "chosen": [{"from": "function_call", "value": "{\"name\": \"add\", \"arguments\": {\"a\": 1}}"},
            {"from": "observation", "value": "2"}, {"from": "gpt", "value": "2"}],
        "rejected": {"from": "gpt", "value": "3"}}"#;
    let Ok(Preference::Pair { prompt, chosen, .. }) = parse_preference(row) else { panic!("a pair") };
    assert_eq!((prompt.len(), chosen.len()), (2, 3));
    assert!(prompt[0].text().contains("\"add\"") && chosen[0].calls.len() == 1, "{prompt:?} {chosen:?}");
}

#[test]
fn turns_and_parts_are_read_as_in_conversations() {
    let row = r#"{"conversations": [{"from": "human", "value": "1+1?"}], "chosen": {"from": "bard", "value": "2",
        "reasoning_content": "so"}, "rejected": {"role": "assistant", "content": [{"type": "tool_call",
        "value": "{\"name\": \"add\", \"arguments\": {}}"}]}}"#;
    let Ok(Preference::Pair { chosen, rejected, .. }) = parse_preference(row) else { panic!("a pair") };
    assert_eq!(chosen[0].fields["reasoning_content"], "so");
    assert_eq!(rejected[0].calls.len(), 1);
}

#[test]
fn single_answers_are_liked_or_not() {
    let liked = r#"{"prompt": "2 + 2?", "completion": "4", "label": true}"#;
    let Ok(Preference::Desirable { answer, .. }) = parse_preference(liked) else { panic!("liked") };
    assert_eq!(answer[0].text(), "4");
    for row in [
        r#"{"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "5"}],
            "label": false}"#,
        r#"{"instruction": "2 + 2?", "output": "5", "kto_tag": 0}"#,
    ] {
        let Ok(Preference::Undesirable { prompt, answer }) = parse_preference(row) else { panic!("{row}") };
        assert_eq!((prompt[0].text(), answer[0].text()), ("2 + 2?", "5"));
    }
}

#[test]
fn rows_that_compare_nothing_are_refused_with_what_they_have() {
    let cases = [
        ("[1]", "a list"),
        (
            r#"{"prompt": "a", "prompt": "b", "chosen": "c", "rejected": "d"}"#,
            "the key `prompt` stands twice",
        ),
        (r#"{"prompt": "a", "answer": "b"}"#, "an object with the keys prompt, answer"),
        (r#"{"chosen": "a", "rejected": "b"}"#, "chosen: text that does not begin with `Human:`"),
        (r#"{"prompt": "a", "chosen": [], "rejected": "b"}"#, "chosen: no message"),
        (r#"{"prompt": "a", "chosen": "b", "rejected": 3}"#, "rejected: a number"),
        (r#"{"prompt": [], "chosen": "b", "rejected": "c"}"#, "no prompt before the answer"),
        (r#"{"prompt": "a", "completion": "b", "label": "yes"}"#, "label: \"yes\""),
        (
            r#"{"prompt": "a", "chosen": {"role": "assistant", "content": "b", "weight": 0}, "rejected": "c"}"#,
            "chosen.weight: 0",
        ),
        (
            r#"{"prompt": "a", "chosen": "b", "rejected": {"role": "assistant", "content": "c", "train": false}}"#,
            "rejected.train: false",
        ),
        (
            r#"{"conversations": [{"from": "alien", "value": "a"}], "chosen": "b", "rejected": "c"}"#,
            "conversations.0.from: \"alien\"",
        ),
        (
            r#"{"system": "A", "prompt": [{"role": "system", "content": "B"}], "chosen": "b", "rejected": "c"}"#,
            "`system` next to another system text",
        ),
        (
            r#"{"conversations": [{"from": "human"}], "chosen": "b", "rejected": "c"}"#,
            "missing field `value`",
        ),
    ];
    for (row, expected) in cases {
        let (found, _) = parse_preference(row).expect_err(row);
        assert!(found.contains(expected), "{row}: {found}");
    }
}
