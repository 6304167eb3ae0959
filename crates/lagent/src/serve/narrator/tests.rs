//! Every protocol, told from replies that arrive in pieces of any size.

use std::collections::VecDeque;
use std::sync::Arc;

use internlm_model::chat::Message;
use proptest::prelude::*;

use super::*;
use crate::action::{Calculator, ToolSpec, Toolbox};
use crate::protocol::{AutoGpt, ErrorMode, MathCoder, Plain, React, Rewoo};
use crate::run::{AgentRun, AgentSpec, ToolOutcome};

const CALL: &str = "I compute.<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>";
const CODE: &str = "So:<|action_start|><|interpreter|>\n```python\n12*34\n```\n<|action_end|>";
const STEP: &str = "Thought: multiply\nAction: Calculator\nAction Input: {\"expression\": \"12*34\"}";
const DONE: &str =
    "Thought: done\n**Final Answer:** It is\n408,\nThough not 407.\nThought: no\nFinal Answer: 7";

/// What is expected of an agent.
struct Case {
    protocol: Protocol,
    replies: Vec<String>,
    answer: &'static str,
    /// What of the answer is certain before its reply ends.
    certain: &'static str,
}

fn case(protocol: Protocol, replies: &[&str], answer: &'static str, certain: &'static str) -> Case {
    let replies = replies.iter().map(|reply| (*reply).to_owned()).collect();
    Case { protocol, replies, answer, certain }
}

fn cases() -> Vec<Case> {
    let thoughts =
        r#""thoughts": {"text": "a", "reasoning": "b", "plan": "c", "criticism": "d", "speak": "e"}"#;
    let command = |name: &str, arguments: &str| {
        format!("{{{thoughts}, \"command\": {{\"name\": \"{name}\", \"args\": {arguments}}}}}")
    };
    let calculate = command("Calculator", r#"{"expression": "12*34"}"#);
    let finish = command("FinishAction", r#"{"response": "408 it is"}"#);
    let letter = React { errors: ErrorMode::Compat, ..React::default() };
    let plan = "Plan: multiply\n#E1 = Calculator[{\"expression\": \"12*34\"}]\n";
    let text = "It is 408, 不是 407.";
    vec![
        case(Protocol::Plain(Plain::default()), &[text], text, text),
        case(Protocol::InternLm2(Default::default()), &[CALL, text], text, ""),
        case(Protocol::MathCoder(MathCoder::default()), &[CODE, "\\boxed{408}"], "\\boxed{408}", ""),
        case(
            Protocol::React(React::default()),
            &[STEP, DONE],
            " It is\n408,\nThough not 407.\n",
            " It is\n408,\nThough not 407.\n",
        ),
        case(Protocol::React(React::default()), &["no format", "Final Answer: 408"], " 408", " 408"),
        case(Protocol::React(letter), &[STEP, DONE], " 7", ""),
        case(Protocol::Rewoo(Rewoo::default()), &["no plan", plan, text], text, text),
        case(Protocol::AutoGpt(AutoGpt::default()), &[&calculate, &finish], "408 it is", ""),
    ]
}

/// The lines of the log of a run, without the pieces of replies, and its answer.
fn log(case: &Case) -> (Vec<RunEvent>, String) {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    let mut specs = tools.specs();
    specs.push(ToolSpec::with_texts("IPythonInteractive", "Runs code.", &["command"]));
    let mut run = AgentRun::new(AgentSpec::new(case.protocol.clone(), specs));
    let mut events = VecDeque::from([Event::Start { messages: vec![Message::user("12 * 34?")] }]);
    let mut replies = case.replies.iter();
    let (mut lines, mut answer) = (Vec::new(), String::new());
    while let Some(event) = events.pop_front() {
        lines.push(RunEvent::Event(Box::new(event.clone())));
        for command in run.step(event) {
            lines.push(RunEvent::Command(Box::new(command.clone())));
            match command {
                Command::AskModel { id, .. } => {
                    let outcome = ModelOutcome::text(replies.next().expect("a reply for each request"));
                    events.push_back(Event::Model { request: id, outcome });
                }
                Command::CallTool { id, name, args, .. } => {
                    let outcome = ToolOutcome { value: tools.call(&name, &args), milliseconds: 0 };
                    events.push_back(Event::Tool { call: id, outcome });
                }
                Command::Finish { message, .. } => message.text().clone_into(&mut answer),
                Command::Fail { reason, .. } => panic!("{reason}"),
                _ => {}
            }
        }
    }
    (lines, answer)
}

/// The pieces of a reply with these numbers of letters, over and over.
fn cut(reply: &str, sizes: &[usize]) -> Vec<String> {
    let letters: Vec<char> = reply.chars().collect();
    let (mut pieces, mut begin) = (Vec::new(), 0);
    for size in sizes.iter().cycle() {
        let end = (begin + size).min(letters.len());
        if begin == end {
            break;
        }
        pieces.push(letters[begin..end].iter().collect());
        begin = end;
    }
    pieces
}

/// The reasoning and the pieces of the answer, when replies come in pieces of these sizes; as a whole without sizes.
fn told(narrator: &mut Narrator, lines: &[RunEvent], sizes: &[usize]) -> (String, Vec<String>) {
    let (mut reasoning, mut answer) = (String::new(), Vec::new());
    for line in lines {
        let mut heard = Vec::new();
        if let RunEvent::Event(event) = line
            && let Event::Model { request, outcome: ModelOutcome::Reply { content, .. } } = &**event
        {
            let pieces = cut(content, sizes).into_iter();
            heard.extend(pieces.map(|text| Event::ModelDelta { request: *request, text }));
        }
        let heard = heard.into_iter().map(|event| RunEvent::Event(Box::new(event)));
        for piece in heard.chain([line.clone()]).flat_map(|line| narrator.hear(line)) {
            match piece {
                Piece::Reasoning(text) => reasoning.push_str(&text),
                Piece::Answer(text) => answer.push(text),
            }
        }
    }
    (reasoning, answer)
}

#[test]
fn what_is_certain_of_an_answer_is_told_while_it_is_written() {
    for case in cases() {
        let (lines, answer) = log(&case);
        assert_eq!(answer, case.answer, "{:?}", case.protocol);
        let mut narrator = Narrator::new(Some(case.protocol.clone()));
        let (reasoning, pieces) = told(&mut narrator, &lines, &[1]);
        assert_eq!((pieces.concat().as_str(), narrator.answer()), (case.certain, case.certain));
        assert!(case.certain.is_empty() || pieces.len() > 1, "{pieces:?}");
        if case.replies.iter().any(|reply| reply.contains("12*34")) {
            assert!(reasoning.contains("\n[calling "), "{reasoning}");
        }
    }
}

#[test]
fn reasoning_has_the_replies_and_the_names_of_tools() {
    let told_of = |index: usize| {
        let case = cases().swap_remove(index);
        told(&mut Narrator::new(Some(case.protocol.clone())), &log(&case).0, &[3]).0
    };
    assert_eq!(told_of(0), "");
    assert_eq!(told_of(1), format!("{CALL}\n[calling Calculator]\nIt is 408, 不是 407."));
    let answering = "Thought: done\n**Final Answer:**";
    assert_eq!(told_of(3), format!("{STEP}\n[calling Calculator]\n{answering}"));
}

#[test]
fn a_team_is_told_reply_by_reply() {
    let case = cases().swap_remove(1);
    let (lines, _) = log(&case);
    let mut team = Narrator::new(None);
    let (reasoning, answer) = told(&mut team, &lines, &[2]);
    assert_eq!(reasoning, told(&mut Narrator::new(None), &lines, &[]).0);
    assert!(answer.is_empty() && reasoning.starts_with(CALL), "{reasoning}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_sizes_of_pieces_change_nothing(sizes in proptest::collection::vec(1..40_usize, 0..12)) {
        for case in cases() {
            let (lines, answer) = log(&case);
            let mut narrator = Narrator::new(Some(case.protocol.clone()));
            let (reasoning, pieces) = told(&mut narrator, &lines, &sizes);
            prop_assert_eq!(pieces.concat(), case.certain);
            prop_assert!(answer.starts_with(&pieces.concat()));
            let whole = told(&mut Narrator::new(Some(case.protocol.clone())), &lines, &[]);
            prop_assert_eq!(reasoning, whole.0);
        }
    }
}
