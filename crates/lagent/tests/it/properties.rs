//! Save and load at every step of random runs; replays of random runs.

use std::sync::Arc;

use internlm_model::chat::{Channel, Message, ToolCall};
use lagent::action::{Calculator, Toolbox};
use lagent::driver::{Watcher, drive_blocking};
use lagent::run::{
    AgentRun, AgentSpec, Approval, Command, Event, FailureKind, Finish, Limits, ModelOutcome, ToolOutcome,
};
use lagent::transcript::{Header, Recorder, replay};
use proptest::prelude::*;

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
    let reply =
        ("[a-zäß ]{0,12}", calls, 0_u64..50, 0_u64..50).prop_map(|(content, bodies, input, output)| {
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
            (limits.max_turn, limits.tool_calls) = (max_turn, tool_calls);
            (limits.input_tokens, limits.output_tokens) = (input_tokens, output_tokens);
            limits
        },
    )
}

fn spec(limits: Limits, approval: Approval) -> AgentSpec {
    AgentSpec::internlm2(toolbox().specs()).with_limits(limits).with_approval(approval)
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
    fn a_saved_run_goes_on_identically_from_every_step(
        outcomes in proptest::collection::vec(outcome(), 1..6),
        limits in limits(),
        always in any::<bool>(),
    ) {
        let approval = if always { Approval::Always } else { Approval::Never };
        let mut run = AgentRun::new(spec(limits, approval));
        // One twin per step, each loaded there and fed the same events ever after.
        let mut twins: Vec<AgentRun> = Vec::new();
        let mut outcomes = outcomes.into_iter().cycle();
        let mut events = vec![Event::Start { messages: vec![Message::user("q")] }];
        let mut steps = 0;
        while let Some(event) = (!events.is_empty()).then(|| events.remove(0)) {
            twins.push(AgentRun::load(&run.save()).expect("a saved run loads"));
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
        limits in limits(),
        position in any::<proptest::sample::Index>(),
    ) {
        let mut run = AgentRun::new(spec(limits, Approval::Never));
        let header = Header {
            id: "1".into(),
            version: "0".into(),
            sandbox: None,
            tools: vec!["Calculator".into()],
            agent: run.clone(),
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
