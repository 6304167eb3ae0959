//! Save and load at every step of random runs of every protocol; replays of random runs.

use std::sync::Arc;

use internlm_model::chat::{Channel, Message, ToolCall};
use lagent::action::{Calculator, Toolbox};
use lagent::driver::{Watcher, drive_blocking};
use lagent::protocol::{AutoGpt, Constraint, ErrorMode, InternLm2, MathCoder, Plain, Protocol, React, Rewoo};
use lagent::run::{
    AgentRun, AgentSpec, Approval, Command, Event, FailureKind, Finish, Limits, Machine, ModelOutcome,
    ToolOutcome,
};
use lagent::transcript::{Header, Recorder, replay};
use proptest::prelude::*;

/// The text of a reply in the form of one of the protocols.
fn text() -> impl Strategy<Value = String> {
    let thoughts = r#"{"text": "a", "reasoning": "b", "plan": "c", "criticism": "d", "speak": "e"}"#;
    let expression = "[0-9]{1,2}[-+*/][0-9]{1,2}";
    prop_oneof![
        "[a-zäß ]{0,12}",
        expression.prop_map(|sum| format!("Thought: x\nAction: Calculator\nAction Input: {sum}\nResponse: 1")),
        expression.prop_map(|sum| format!("Action: Search\nAction Input: {{\"expression\": \"{sum}\"}}")),
        Just("Final Answer: 7".to_owned()),
        expression.prop_map(|sum| format!(
            "Plan: a\n#E1 = Calculator[{{\"expression\": \"{sum}\"}}]\nPlan: b\n#E2 = Calculator[#E1]\n"
        )),
        Just("Plan: a\n#E1 = Nothing[#E3]".to_owned()),
        expression.prop_map(move |sum| format!(
            r#"{{"thoughts": {thoughts}, "command": {{"name": "Calculator", "args": {{"expression": "{sum}"}}}}}}"#
        )),
        Just(format!(
            r#"{{"thoughts": {thoughts}, "command": {{"name": "FinishAction", "args": {{"response": "7"}}}}}}"#
        )),
        expression.prop_map(|sum| format!("<|action_start|><|interpreter|>\n{sum}<|action_end|>")),
        Just("<|action_start|><|plugin|>\n{<|action_end|>".to_owned()),
    ]
}

fn protocol() -> impl Strategy<Value = Protocol> {
    (0..6, any::<bool>()).prop_map(|(kind, is_compat)| {
        let errors = if is_compat { ErrorMode::Compat } else { ErrorMode::Fixed };
        let interpreter = "Calculator".to_owned();
        match kind {
            0 => Protocol::InternLm2(InternLm2 { errors, ..InternLm2::default() }),
            1 => {
                let mut protocol = React::default();
                protocol.errors = errors;
                Protocol::React(protocol)
            }
            2 => {
                let mut protocol = Rewoo::default();
                protocol.errors = errors;
                Protocol::Rewoo(protocol)
            }
            3 => {
                let mut protocol = AutoGpt::default();
                protocol.errors = errors;
                Protocol::AutoGpt(protocol)
            }
            4 => {
                let mut protocol = MathCoder::default();
                (protocol.errors, protocol.interpreter) = (errors, interpreter);
                Protocol::MathCoder(protocol)
            }
            _ => Protocol::Plain(Plain::default()),
        }
    })
}

/// What the model does at one turn.
fn outcome() -> impl Strategy<Value = ModelOutcome> {
    let body = prop_oneof![
        4 => "[0-9]{1,3}[-+*/][0-9]{1,3}".prop_map(|expression| format!(
            r#"{{"name": "Calculator", "parameters": {{"expression": "{expression}"}}}}"#
        )),
        1 => Just("{broken".to_owned()),
        1 => Just(r#"{"name": "Nothing", "parameters": {}}"#.to_owned()),
        1 => Just(r#"{"name": "Calculator", "parameters": {"x": 1}}"#.to_owned()),
    ];
    let calls = proptest::collection::vec(body, 0..3);
    let reply = (text(), calls, 0_u64..50, 0_u64..50).prop_map(|(content, bodies, input, output)| {
        let channel = Channel::Plugin;
        let calls = bodies.into_iter().map(|body| ToolCall::new(channel, body)).collect();
        let (input_tokens, output_tokens) = (input, output);
        ModelOutcome::Reply {
            content,
            calls,
            finish: Finish::Stop,
            input_tokens,
            output_tokens,
            milliseconds: 1,
        }
    });
    let failed = Just(ModelOutcome::Failed {
        kind: FailureKind::Server,
        message: "broken".to_owned(),
        milliseconds: 9,
    });
    prop_oneof![12 => reply, 1 => failed]
}

fn limits() -> impl Strategy<Value = Limits> {
    let some = |range: std::ops::Range<u64>| proptest::option::of(range);
    (1_u32..8, some(20..200), some(20..200), proptest::option::of(0_u32..5)).prop_map(
        |(max_turn, input_tokens, output_tokens, tool_calls)| {
            let mut limits = Limits::default();
            (limits.max_turn, limits.tool_calls) = (Some(max_turn), tool_calls);
            (limits.input_tokens, limits.output_tokens) = (input_tokens, output_tokens);
            limits
        },
    )
}

fn spec(protocol: Protocol, limits: Limits, approval: Approval) -> AgentSpec {
    AgentSpec::new(protocol, toolbox().specs()).with_limits(limits).with_approval(approval)
}

fn toolbox() -> Toolbox {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    tools
}

/// What the world answers to a command.
fn answer(command: &Command, outcomes: &mut impl Iterator<Item = ModelOutcome>) -> Option<Event> {
    match command {
        Command::AskModel { id, .. } => {
            Some(Event::Model { request: *id, outcome: outcomes.next().expect("endless") })
        }
        Command::CallTool { id, name, args, .. } => {
            let outcome = ToolOutcome { value: toolbox().call(name, args), milliseconds: 4 };
            Some(Event::Tool { call: *id, outcome })
        }
        Command::AskHuman { call, .. } if call % 2 == 0 => Some(Event::Approve { call: *call }),
        Command::AskHuman { call, .. } => Some(Event::Deny { call: *call, reason: "no".to_owned() }),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_saved_run_continues_identically_from_every_step(
        outcomes in proptest::collection::vec(outcome(), 1..6),
        (protocol, limits) in (protocol(), limits()),
        (always, constrained) in any::<(bool, bool)>(),
    ) {
        let approval = if always { Approval::Always } else { Approval::Never };
        let constraint = if constrained { Constraint::Calls } else { Constraint::Off };
        let agent = spec(protocol, limits, approval).with_constraint(constraint);
        let mut run = Machine::from(AgentRun::new(agent));
        // One twin per step, each loaded there and fed the same events ever after.
        let mut twins: Vec<Machine> = Vec::new();
        let mut outcomes = outcomes.into_iter().cycle();
        let mut events = vec![Event::Start { messages: vec![Message::user("q")] }];
        let mut steps = 0;
        while let Some(event) = (!events.is_empty()).then(|| events.remove(0)) {
            twins.push(Machine::load(&run.save()).expect("a saved run loads"));
            let commands = run.step(event.clone());
            let bytes = serde_json::to_string(&commands).expect("serializes");
            for twin in &mut twins {
                let again = serde_json::to_string(&twin.step(event.clone())).expect("serializes");
                prop_assert_eq!(&again, &bytes);
                prop_assert_eq!(twin.save(), run.save());
            }
            events.extend(commands.iter().filter_map(|command| answer(command, &mut outcomes)));
            steps += 1;
            prop_assert!(steps < 200, "the limits end every run");
        }
    }

    #[test]
    fn a_transcript_replays_and_a_changed_byte_is_found(
        outcomes in proptest::collection::vec(outcome(), 1..6),
        (protocol, limits) in (protocol(), limits()),
        position in any::<proptest::sample::Index>(),
    ) {
        let mut run = AgentRun::new(spec(protocol, limits, Approval::Never));
        let header = Header {
            id: "1".into(),
            version: "0".into(),
            sandbox: None,
            tools: vec!["Calculator".into()],
            agent: run.clone().into(),
        };
        let mut recorder = Recorder::start(&header).expect("starts");
        let mut outcomes = outcomes.into_iter().cycle();
        let watcher: &mut dyn Watcher = &mut recorder;
        let question = vec![Message::user("q")];
        let model = |_: lagent::llm::ModelRequest<'_>| outcomes.next().expect("endless");
        drive_blocking(&mut run, question, model, &toolbox(), watcher).expect("runs");
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("t.jsonl");
        let mut lines = recorder.into_lines();
        std::fs::write(&path, lines.join("\n")).expect("writes");
        let done = replay(&path).expect("replays");
        prop_assert_eq!(done.runs, 1);
        prop_assert_eq!(1 + done.events + done.commands, lines.len());
        // Commands are what the state machine has to reproduce.
        let commands: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].starts_with("{\"command\"")).collect();
        let at = *position.get(&commands);
        let changed = lines[at].replacen("\"type\":\"", "\"type\":\"x", 1);
        lines[at] = changed;
        std::fs::write(&path, lines.join("\n")).expect("writes");
        let error = replay(&path).expect_err("differs").to_string();
        let place = format!("line {}", at + 1);
        prop_assert!(error.contains(&place), "{}", error);
    }
}
