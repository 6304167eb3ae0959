//! Replies, understood and not; the golden of lagent 0.2.4 is compared in `tests/it`.

use super::*;

fn parse(protocol: &InternLm2, content: &str) -> (Message, Parsed) {
    protocol.parse(content, &[])
}

fn problem(body: &str) -> String {
    let call = ToolCall::new(Channel::Plugin, body);
    match InternLm2::default().parse("", &[call]).1 {
        Parsed::Calls(calls) => calls[0].clone().expect_err("malformed").problem,
        Parsed::Answer(answer) => panic!("{answer}"),
    }
}

#[test]
fn calls_are_taken_from_marks_and_from_the_server() {
    let protocol = InternLm2 { interpreter: Some("Python".into()), ..InternLm2::default() };
    let server = ToolCall::new(Channel::Plugin, r#"{"name": "T", "parameters": {"a": 1}}"#);
    let text = "Look.<|action_start|><|interpreter|>\n```python\n1\n```\n<|action_end|>\n";
    let (message, parsed) = protocol.parse(text, &[server]);
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
    let protocol = InternLm2 { interpreter: Some("Python".into()), ..InternLm2::default() };
    let Parsed::Calls(calls) = parse(&protocol, "So <|interpreter|>\nprint(1)<|action_end|>").1 else {
        panic!("calls")
    };
    assert_eq!(calls[0].as_ref().expect("understood").arguments, json!({"command": "print(1)"}));
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
fn problems_say_what_is_wrong() {
    assert!(problem("{").starts_with("the call is not valid JSON (EOF"));
    assert!(problem("{\"x\": 1}").starts_with("the call has no name"));
    assert!(problem(r#"{"name": "T", "parameters": [1]}"#).starts_with("the parameters are not an object"));
}

#[test]
fn upstream_skips_what_it_cannot_understand() {
    let protocol = InternLm2 { errors: ErrorMode::Compat, ..InternLm2::default() };
    let (_, parsed) = parse(&protocol, "text<|action_start|><|plugin|>\n{<|action_end|>");
    assert_eq!(parsed, Parsed::Answer("text".into()));
}
