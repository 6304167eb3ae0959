//! The state machine, event by event: corrections, limits, approvals, late events.

use std::sync::Arc;

use internlm_model::chat::{Channel, Message, Role, ToolCall};
use lagent::action::{ActionReturn, Calculator, Toolbox};
use lagent::run::{
    AgentRun, AgentSpec, Approval, Command, Event, FailReason, Finish, Limits, ModelOutcome, ToolOutcome,
};
use serde_json::json;

fn spec() -> AgentSpec {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    AgentSpec::internlm2(tools.specs())
}

fn started(spec: AgentSpec) -> AgentRun {
    let mut run = AgentRun::new(spec);
    let commands = run.step(Event::Start { messages: vec![Message::user("q")] });
    assert!(matches!(commands[..], [Command::AskModel { id: 1, .. }]), "{commands:?}");
    run
}

fn reply(request: u64, content: &str, bodies: &[&str]) -> Event {
    let calls = bodies.iter().map(|body| ToolCall::new(Channel::Plugin, *body));
    let outcome = ModelOutcome::Reply {
        content: content.to_owned(),
        calls: calls.collect(),
        finish: Finish::Stop,
        input_tokens: 10,
        output_tokens: 5,
        milliseconds: 3,
    };
    Event::Model { request, outcome }
}

fn result(call: u64, text: &str) -> Event {
    let value = ActionReturn::text("Calculator", json!({}), text);
    Event::Tool { call, outcome: ToolOutcome { value, milliseconds: 2 } }
}

const CALL: &str = r#"{"name": "Calculator", "parameters": {"expression": "1+1"}}"#;

/// The content of all shown messages that do not come from the model.
fn shown(commands: &[Command]) -> Vec<String> {
    let messages = commands.iter().filter_map(|command| match command {
        Command::Emit { message, .. } if message.role == Role::Environment => Some(message.text().to_owned()),
        _ => None,
    });
    messages.collect()
}

#[test]
fn a_call_runs_and_its_result_goes_back() {
    let mut run = started(spec());
    let commands = run.step(reply(1, "Let me see.", &[CALL]));
    let [Command::Emit { .. }, Command::CallTool { id, name, args, deadline }] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(
        (*id, name.as_str(), args, *deadline),
        (2, "Calculator", &json!({"expression": "1+1"}), 60_000)
    );
    let commands = run.step(result(2, "2"));
    assert_eq!(shown(&commands), ["2"]);
    let [_, Command::AskModel { messages, .. }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(
        messages.iter().map(|message| message.role).collect::<Vec<_>>(),
        [Role::User, Role::Assistant, Role::Environment]
    );
    let commands = run.step(reply(3, "It is 2.", &[]));
    assert_eq!(commands, [Command::Finish { message: Message::assistant("It is 2."), finish: Finish::Stop }]);
    let used = run.used();
    assert_eq!((used.turns, used.input_tokens, used.output_tokens, used.tool_calls), (2, 20, 10, 1));
    assert_eq!(used.milliseconds, 8);
}

#[test]
fn results_of_several_calls_come_in_the_order_of_the_calls() {
    let mut run = started(spec());
    let other = CALL.replace("1+1", "2+2");
    let commands = run.step(reply(1, "", &[CALL, &other]));
    assert_eq!(commands.len(), 3, "{commands:?}");
    assert_eq!(run.step(result(3, "4")), []);
    assert_eq!(shown(&run.step(result(2, "2"))), ["2", "4"]);
}

#[test]
fn a_bad_call_is_corrected_twice_and_then_ends_the_run() {
    let mut spec = spec();
    spec.limits.max_turn = Some(10);
    let mut run = started(spec);
    for request in [1, 3] {
        let commands = run.step(reply(request, "", &["{"]));
        assert!(shown(&commands)[0].starts_with("error: the call is not valid JSON"), "{commands:?}");
        assert!(matches!(commands.last(), Some(Command::AskModel { .. })));
    }
    let commands = run.step(reply(5, "", &["{"]));
    let Some(Command::Fail { reason: FailReason::Unparsable { .. }, .. }) = commands.last() else {
        panic!("{commands:?}")
    };
    assert_eq!((run.used().parse_errors, run.used().tool_calls), (3, 0));
}

#[test]
fn a_good_call_between_resets_the_corrections() {
    let mut spec = spec();
    spec.limits.max_turn = Some(10);
    let mut run = started(spec);
    run.step(reply(1, "", &["{"]));
    run.step(reply(3, "", &["{"]));
    run.step(reply(5, "", &[CALL]));
    run.step(result(6, "2"));
    let commands = run.step(reply(7, "", &["{"]));
    assert!(matches!(commands.last(), Some(Command::AskModel { .. })), "{commands:?}");
}

#[test]
fn tool_errors_are_told_in_lagents_words() {
    for (body, expected) in [
        (
            r#"{"name": "Nothing", "parameters": {}}"#,
            "The action is invalid, please check the action name. Found `Nothing`, expected one of Calculator.",
        ),
        (r#"{"name": "Calculator", "parameters": {"x": 1}}"#, "unknown arguments: {'x'}"),
        (r#"{"name": "Calculator", "parameters": {}}"#, "missing required arguments: {'expression'}"),
        (r#"{"name": "Calculator"}"#, "missing required arguments: {'expression'}"),
    ] {
        let mut run = started(spec());
        let commands = run.step(reply(1, "", &[body]));
        assert_eq!(shown(&commands), [expected], "{body}");
        assert!(matches!(commands.last(), Some(Command::AskModel { .. })), "{commands:?}");
    }
}

#[test]
fn every_limit_ends_the_run_with_its_name_and_the_best_text() {
    type Set = fn(&mut Limits);
    let limits: [(&str, Set); 6] = [
        ("money", |limits| (limits.money, limits.input_price) = (Some(1e-5), 1.0)),
        ("max-turn", |limits| limits.max_turn = Some(1)),
        ("input-tokens", |limits| limits.input_tokens = Some(10)),
        ("output-tokens", |limits| limits.output_tokens = Some(5)),
        ("milliseconds", |limits| limits.milliseconds = Some(5)),
        ("tool-calls", |limits| limits.tool_calls = Some(0)),
    ];
    for (key, set) in limits {
        let mut spec = spec();
        set(&mut spec.limits);
        let mut run = started(spec);
        let mut commands = run.step(reply(1, "I think 2.", &[CALL]));
        if key == "tool-calls" {
            assert!(!commands.iter().any(|command| matches!(command, Command::CallTool { .. })));
        } else {
            commands = run.step(result(2, "2"));
        }
        let reason = FailReason::Limit { limit: key.to_owned() };
        let expected = Command::Fail { reason, best: Some("I think 2.".to_owned()) };
        assert_eq!(commands.last(), Some(&expected), "{key}");
    }
}

#[test]
fn calls_wait_for_a_person_when_they_have_to() {
    let mut spec = spec();
    spec.approval = Approval::Tools(["Calculator".to_owned()].into());
    let mut run = started(spec);
    let commands = run.step(reply(1, "", &[CALL, CALL]));
    let asks = commands.iter().filter(|command| matches!(command, Command::AskHuman { .. })).count();
    assert_eq!((asks, commands.len()), (2, 3));
    assert_eq!(run.step(result(2, "too early")), []);
    let commands = run.step(Event::Approve { call: 2 });
    assert!(matches!(commands[..], [Command::CallTool { id: 2, .. }]), "{commands:?}");
    assert_eq!(run.step(Event::Deny { call: 3, reason: "no".into() }), []);
    assert_eq!(shown(&run.step(result(2, "2"))), ["2", "The call was refused: no"]);
}

#[test]
fn a_model_error_is_a_reason_and_never_an_answer() {
    let mut run = started(spec());
    let outcome = ModelOutcome::Failed {
        kind: lagent::run::FailureKind::Auth,
        message: "http://x: status 401: no key".to_owned(),
        milliseconds: 1,
    };
    let commands = run.step(Event::Model { request: 1, outcome });
    assert!(matches!(commands[..], [Command::Fail { best: None, .. }]), "{commands:?}");
}

#[test]
fn late_and_foreign_events_change_nothing() {
    let mut run = started(spec());
    let before = run.save();
    for event in [reply(7, "x", &[]), result(1, "x"), Event::Approve { call: 1 }] {
        assert_eq!(run.step(event), []);
    }
    assert_eq!(run.step(Event::Start { messages: Vec::new() }), []);
    assert_eq!(run.save(), before);
    let cancelled = run.step(Event::Cancel);
    assert_eq!(cancelled, [Command::Fail { reason: FailReason::Cancelled, best: None }]);
    assert_eq!(run.step(reply(1, "too late", &[])), []);
}

#[test]
fn a_conversation_goes_on_after_an_answer() {
    let mut run = started(spec());
    run.step(reply(1, "a", &[]));
    let commands = run.step(Event::Start { messages: vec![Message::user("again")] });
    let [Command::AskModel { messages, .. }] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(messages.len(), 3);
    assert_eq!(run.used().turns, 1);
}
