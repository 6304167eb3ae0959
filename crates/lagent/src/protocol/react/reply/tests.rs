//! Replies as models write them.

use proptest::prelude::*;

use super::*;

fn call(content: &str) -> (String, String) {
    match read(content, &ReactTags::default()) {
        Reading::Call { name, input, .. } => (bare_name(name).to_owned(), input.trim().to_owned()),
        other => panic!("{content}: {other:?}"),
    }
}

fn answer(content: &str) -> String {
    match read(content, &ReactTags::default()) {
        Reading::Answer { text, .. } => text.trim().to_owned(),
        other => panic!("{content}: {other:?}"),
    }
}

#[test]
fn what_a_model_makes_up_behind_its_action_is_not_used() {
    let step = "Thought: multiply\nAction: Calculator\nAction Input: 12*34\n";
    for made_up in [
        "",
        "Response: 999\n",
        "Response: 999\nThought: I know it now.\nFinal Answer: 999",
        "Final Answer: 999",
        "Thought: It must be 999.\nFinal Answer: 999",
        "Response: 999\nThought: again\nAction: Other\nAction Input: 1\nResponse: 1\nFinal Answer: 1",
        "**Response:** 999\n**Final Answer:** 999",
        "Observation: 999\nFinal Answer: 999",
        "Observation 1: 999\n",
    ] {
        let content = format!("{step}{made_up}");
        assert_eq!(call(&content), ("Calculator".to_owned(), "12*34".to_owned()), "{content}");
        let Reading::Call { used, .. } = read(&content, &ReactTags::default()) else { panic!("a call") };
        assert_eq!(used, step.len(), "{content}");
    }
}

#[test]
fn tags_are_found_between_marks_and_inside_lines() {
    for content in [
        "Action: Calculator\nAction Input: 12*34",
        "Thought: I multiply. Action: Calculator\nAction Input: 12*34",
        "Action: Calculator Action Input: 12*34",
        "**Action:** Calculator\n**Action Input:** 12*34",
        "**Action**: `Calculator`\n**Action Input**: 12*34",
        "### Action: [Calculator]\n### Action Input: 12*34",
        "  Action: \"Calculator\"\n  Action Input: 12*34",
        "ACTION: Calculator.\nACTION INPUT: 12*34",
        "Action: Calculator\nAction input: 12*34\nResponse: 9\nFinal Answer: 9",
        "action: Calculator\nAction Input: 12*34",
        "Action：Calculator\nAction Input：12*34",
        "Action:\nCalculator\nAction Input:\n12*34",
        "Action: Calculator\nThought: I am sure.\nAction Input: 12*34",
        "Action: Nothing yet.\nThought: Now.\nAction: **Calculator**:\nAction Input: 12*34",
        "```\nAction: Calculator()\nAction Input: 12*34\nResponse: 1\n```",
        "Action 1: Calculator\nAction Input 1: 12*34\nResponse 1: 9\nFinal Answer: 9",
        "Action: Calculator\nAction_Input: 12*34",
        "Action: Calculator\nActionInput: 12*34",
        "<think>Perhaps\nAction: Other\nAction Input: 1</think>\nAction: Calculator\nAction Input: 12*34",
    ] {
        assert_eq!(call(content), ("Calculator".to_owned(), "12*34".to_owned()), "{content}");
    }
}

#[test]
fn fenced_code_holds_no_tags() {
    let code = "```python\nprint('''\nResponse: 1\n''')\n```";
    let content = format!("Action: P\nAction Input: {code}\nResponse: 1\n");
    assert_eq!(call(&content), ("P".to_owned(), code.to_owned()));
    // A fence that is never closed protects nothing.
    let content = "Action: P\nAction Input:\n```python\nprint(1)\nResponse: 1\nFinal Answer: 1";
    assert_eq!(call(content).1, "```python\nprint(1)");
}

#[test]
fn answers_are_found_where_no_action_comes_before() {
    for (content, expected) in [
        ("Thought: done\nFinal Answer: 408", "408"),
        ("Thought: done. Final Answer: 408", "408"),
        ("**Final Answer:** 408", "408"),
        ("final answer: 408", "408"),
        ("Final Answer: it says\nresponse: 408", "it says\nresponse: 408"),
        ("Final Answer: two\nlines", "two\nlines"),
        ("Final Answer:\n- Response: yes\n* Thought: no", "- Response: yes\n* Thought: no"),
        ("Final Answer: 408\n\nThought: Next question\nAction: Calculator\nAction Input: 1", "408"),
        ("Final Answer: 408\nThought: no\nFinal Answer: 1", "408"),
        ("Final Answer: 408\n\nQuestion: 1+1?\nThought: easy\nFinal Answer: 2", "408\n\nQuestion: 1+1?"),
        ("Final Answer: 408\nFinal Answer: 408\nFinal Answer: 408", "408"),
        ("Action: None\nAction Input: None\nFinal Answer: 408\nFinal Answer: 1", "408"),
        ("Action: None\nAction Input: None\nFinal Answer: 408", "408"),
        ("Thought: no tool\nAction: N/A\nFinal Answer: 408", "408"),
        ("```\nThought: done\nFinal Answer: 408\n```", "408"),
        ("Action: Final Answer\nAction Input: 408\nResponse: 999", "408"),
        ("Final Answer: 408\nObservation: 999", "408"),
        ("<think>Final Answer: 1</think>\nFinal Answer: 408", "408"),
        ("Final_Answer: 408", "408"),
    ] {
        assert_eq!(answer(content), expected, "{content}");
    }
}

#[test]
fn an_answer_that_rests_on_a_made_up_response_is_not_taken() {
    for content in
        ["", "I think 408.", "Action: Calculator", "Action: Calculator\nResponse: 999\nFinal Answer: 999"]
    {
        assert_eq!(read(content, &ReactTags::default()), Reading::Nothing, "{content}");
    }
}

proptest! {
    #[test]
    fn every_reply_is_read_and_what_is_used_is_a_part_of_it(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("Action: ".to_owned()), Just("Action Input: ".to_owned()), Just("Response: ".to_owned()),
                Just("Final Answer: ".to_owned()), Just("Thought: ".to_owned()), Just("\n".to_owned()),
                Just("```".to_owned()), Just("**".to_owned()), "\\PC{0,6}",
            ],
            0..24,
        ),
    ) {
        let content = pieces.concat();
        match read(&content, &ReactTags::default()) {
            Reading::Call { used, .. } | Reading::Answer { used, .. } => {
                prop_assert!(content.is_char_boundary(used));
            }
            Reading::Nothing => {}
        }
    }
}
