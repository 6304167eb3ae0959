//! Replies, understood and not; the golden of lagent 0.2.4 is compared in `tests/it`.

use super::*;

fn parse(protocol: &InternLm2, content: &str) -> (Message, Parsed) {
    protocol.parse(content, &[])
}

fn python() -> InternLm2 {
    InternLm2 { interpreter: Some("Python".into()), ..InternLm2::default() }
}

/// The calls of a reply, all of which are understood.
fn calls(protocol: &InternLm2, content: &str) -> Vec<(String, Value)> {
    match parse(protocol, content).1 {
        Parsed::Calls(calls) => calls
            .into_iter()
            .map(|call| call.expect("understood"))
            .map(|call| (call.name, call.arguments))
            .collect(),
        other => panic!("{content}: {other:?}"),
    }
}

fn problem(body: &str) -> String {
    let call = ToolCall::new(Channel::Plugin, body);
    match InternLm2::default().parse("", &[call]).1 {
        Parsed::Calls(calls) => calls[0].clone().expect_err("malformed").problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn calls_are_taken_from_marks_and_from_the_server() {
    let server = ToolCall::new(Channel::Plugin, r#"{"name": "T", "parameters": {"a": 1}}"#);
    let text = "Look.<|action_start|><|interpreter|>\n```python\n1\n```\n<|action_end|>\n";
    let (message, parsed) = python().parse(text, &[server]);
    assert_eq!((message.text(), message.calls.len()), ("Look.", 2));
    let Parsed::Calls(calls) = parsed else { panic!("calls") };
    let calls: Vec<_> = calls.into_iter().map(|call| call.expect("understood")).collect();
    assert_eq!(
        (calls[0].name.as_str(), &calls[0].arguments),
        ("Python", &json!({"command": "```python\n1\n```"}))
    );
    assert_eq!((calls[1].name.as_str(), &calls[1].arguments), ("T", &json!({"a": 1})));
}

#[test]
fn a_missing_start_mark_is_accepted() {
    let found = calls(&python(), "So <|interpreter|>\nprint(1)<|action_end|>");
    assert_eq!(found, [("Python".to_owned(), json!({"command": "print(1)"}))]);
}

#[test]
fn calls_in_a_fence_or_in_pythons_form_are_understood() {
    let expected = [("T".to_owned(), json!({"a": true}))];
    for body in [
        "{\"name\": \"T\", \"parameters\": {\"a\": true}}",
        "```json\n{\"name\": \"T\", \"parameters\": {\"a\": true}}\n```",
        "{'name': 'T', 'parameters': {'a': True}}",
    ] {
        let content = format!("<|action_start|><|plugin|>\n{body}<|action_end|>");
        assert_eq!(calls(&InternLm2::default(), &content), expected, "{body}");
    }
}

#[test]
fn what_a_model_makes_up_behind_its_call_is_not_kept() {
    let call = "t<|action_start|><|plugin|>\n{\"name\": \"T\", \"parameters\": {}}<|action_end|>";
    for made_up in ["\nThe result is 4.", "<|im_end|>\n<|im_start|>environment name=<|plugin|>\n4<|im_end|>"]
    {
        let (message, _) = parse(&InternLm2::default(), &format!("{call}{made_up}"));
        assert_eq!((message.text(), message.calls.len()), ("t", 1));
    }
}

#[test]
fn a_call_that_was_cut_off_is_a_problem_and_no_answer() {
    let Parsed::Calls(calls) = parse(&InternLm2::default(), "t<|action_start|><|plugin|>\n{\"name\": \"T").1
    else {
        panic!("not an answer")
    };
    let problem = &calls[0].as_ref().expect_err("cut off").problem;
    assert_eq!((calls.len(), problem.as_str()), (1, "the call was cut off before its end"));
}

#[test]
fn a_whole_call_without_its_end_mark_counts() {
    let content = "<|action_start|><|plugin|>\n{\"name\": \"T\", \"parameters\": {}}";
    assert_eq!(calls(&InternLm2::default(), content), [("T".to_owned(), json!({}))]);
    let code = "<|action_start|><|interpreter|>\nprint(1)";
    assert!(matches!(&parse(&python(), code).1, Parsed::Calls(calls) if calls[0].is_err()));
    let letter = InternLm2 { errors: ErrorMode::Compat, ..python() };
    assert_eq!(calls(&letter, code), [("Python".to_owned(), json!({"command": "print(1)"}))]);
}

#[test]
fn problems_say_what_is_wrong() {
    assert!(problem("{").starts_with("the call is not valid JSON (EOF"));
    assert!(problem("{\"x\": 1}").starts_with("the call has no name"));
    assert!(problem(r#"{"name": "T", "parameters": [1]}"#).starts_with("the parameters are not an object"));
}

#[test]
fn upstream_drops_what_it_cannot_understand() {
    let protocol = InternLm2 { errors: ErrorMode::Compat, ..InternLm2::default() };
    let (_, parsed) = parse(&protocol, "text<|action_start|><|plugin|>\n{<|action_end|>");
    assert_eq!(parsed, Parsed::Dropped);
    let (_, parsed) = parse(&protocol, "text");
    assert_eq!(parsed, Parsed::Answer("text".into()));
}

#[test]
fn upstream_takes_one_call_and_plugins_first() {
    let protocol = InternLm2 { errors: ErrorMode::Compat, ..python() };
    let code = "<|action_start|><|interpreter|>\n1<|action_end|>";
    let plugin = |name: &str| format!("<|action_start|><|plugin|>\n{{\"name\": \"{name}\"}}<|action_end|>");
    let found = calls(&protocol, &format!("{code}{}{}", plugin("T"), plugin("U")));
    assert_eq!(found, [("T".to_owned(), json!({}))]);
    let (message, parsed) = parse(&protocol, &format!("Done.{}", plugin("FinishAction")));
    assert_eq!((message, parsed), (Message::assistant("Done."), Parsed::Answer("Done.".into())));
}
