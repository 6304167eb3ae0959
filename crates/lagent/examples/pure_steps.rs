//! Counts how many steps of the state machine one core makes in a second, without a model and without tools.
//!
//! A step takes one event, such as a reply, parses it, and returns what to do next, for instance the whole prompt of
//! the next request. The output is a table in Markdown.
//!
//! `cargo run --release -p lagent --example pure_steps`
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lagent::Message;
use lagent::action::{ActionReturn, Calculator, ToolSettings, Toolbox};
use lagent::protocol::{AutoGpt, InternLm2, MathCoder, Plain, Protocol, React, Rewoo};
use lagent::run::{AgentRun, AgentSpec, Command, Event, Machine, ModelOutcome, ToolOutcome};
use lagent::team::{MemberSpec, Sequential, TeamKind, TeamRun, TeamSpec};
use serde_json::Value;

/// How long each protocol is measured.
const TIME: Duration = Duration::from_secs(1);
const PLUGIN: &str = "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>";
const CODE: &str = "<|action_start|><|interpreter|>\n```python\n12 * 34\n```\n<|action_end|>";
const ACTION: &str = "Thought: multiply\nAction: Calculator\nAction Input: {\"expression\": \"12*34\"}\n";
const PLAN: &str = "Plan: multiply\n#E1 = Calculator[{\"expression\": \"12*34\"}]\n";
const COMMAND: &str = r#"{"thoughts": {"text": "multiply", "reasoning": "", "plan": "", "criticism": "", "speak": ""}, "command": {"name": "Calculator", "args": {"expression": "12*34"}}}"#;
const LAST_COMMAND: &str = r#"{"thoughts": {"text": "done", "reasoning": "", "plan": "", "criticism": "", "speak": ""}, "command": {"name": "FinishAction", "args": {"response": "408"}}}"#;

/// Plays one question to its end; returns the number of steps, or nothing when the replies do not lead to an answer.
fn question(mut machine: Machine, replies: &[&str]) -> Option<u32> {
    let mut replies = replies.iter();
    let mut commands = machine.step(Event::Start { messages: vec![Message::user("What is 12 x 34?")] });
    let mut steps = 1;
    while let Some(event) = commands.iter().find_map(|command| match command {
        Command::AskModel { id, .. } => {
            let outcome = ModelOutcome::text(*replies.next()?);
            Some(Event::Model { request: *id, outcome })
        }
        Command::CallTool { id, .. } => {
            let value = ActionReturn::text("Calculator", Value::Null, "408");
            Some(Event::Tool { call: *id, outcome: ToolOutcome { value, milliseconds: 0 } })
        }
        _ => None,
    }) {
        commands = machine.step(event);
        steps += 1;
    }
    commands.iter().any(|command| matches!(command, Command::Finish { .. })).then_some(steps)
}

/// Prints the row of one machine.
fn measure(name: &str, machine: &Machine, replies: &[&str]) -> Result<(), Box<dyn Error>> {
    let (started, mut steps, mut questions) = (Instant::now(), 0, 0_u32);
    while started.elapsed() < TIME {
        let made = question(machine.clone(), replies).ok_or_else(|| format!("{name}: found no answer"))?;
        (steps, questions) = (steps + made, questions + 1);
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "| {name} | {:.0} | {} | {:.1} |",
        f64::from(steps) / seconds,
        steps / questions,
        seconds * 1e6 / f64::from(steps)
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    let python = Toolbox::with_tools(&["IPythonInteractive".to_owned()], &ToolSettings::default())?;
    let agent = |protocol, tools: &Toolbox| AgentSpec::new(protocol, tools.specs());
    let plain = agent(Protocol::Plain(Plain::default()), &Toolbox::default());
    let internlm2 = agent(Protocol::InternLm2(InternLm2::default()), &tools);
    let members =
        [MemberSpec::agent("solver", internlm2.clone()), MemberSpec::agent("editor", plain.clone())];
    let team = TeamRun::new(TeamSpec::new(TeamKind::Sequential(Sequential::default()), members))?;
    let rows: [(&str, Machine, &[&str]); 7] = [
        ("plain", AgentRun::new(plain).into(), &["408"]),
        ("internlm2", AgentRun::new(internlm2).into(), &[PLUGIN, PLUGIN, "408"]),
        (
            "mathcoder",
            AgentRun::new(agent(Protocol::MathCoder(MathCoder::default()), &python)).into(),
            &[CODE, CODE, "It is \\boxed{408}."],
        ),
        (
            "react",
            AgentRun::new(agent(Protocol::React(React::default()), &tools)).into(),
            &[ACTION, ACTION, "Final Answer: 408"],
        ),
        (
            "rewoo",
            AgentRun::new(agent(Protocol::Rewoo(Rewoo::default()), &tools)).into(),
            &[PLAN, "It is 408."],
        ),
        (
            "autogpt",
            AgentRun::new(agent(Protocol::AutoGpt(AutoGpt::default()), &tools)).into(),
            &[COMMAND, LAST_COMMAND],
        ),
        ("team of two", team.into(), &[PLUGIN, "408", "408."]),
    ];
    println!("| protocol | steps per second on one core | steps per question | microseconds per step |");
    println!("|---|---|---|---|");
    for (name, machine, replies) in rows {
        measure(name, &machine, replies)?;
    }
    Ok(())
}
