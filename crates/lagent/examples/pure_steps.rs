//! Counts how many steps of the state machine one core makes in a second, without a model and without tools.
//!
//! `cargo run --release -p lagent --example pure_steps`
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use lagent::Message;
use lagent::action::{ActionReturn, Calculator, Toolbox};
use lagent::protocol::{Protocol, React};
use lagent::run::{AgentRun, AgentSpec, Command, Event, ModelOutcome, ToolOutcome};
use serde_json::Value;

/// A call in each of the two protocols.
const MARKED: &str = "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>";
const TAGGED: &str = "Thought: multiply\nAction: Calculator\nAction Input: {\"expression\": \"12*34\"}\n";

/// One question with two calls; returns the number of steps.
fn question(agent: &AgentSpec, call: &str) -> u32 {
    let mut run = AgentRun::new(agent.clone());
    let mut commands = run.step(Event::Start { messages: vec![Message::user("What is 12 x 34?")] });
    let (mut steps, mut replies) = (1, [call, call, "Final Answer: 408"].into_iter());
    while let Some(event) = commands.iter().find_map(|command| match command {
        Command::AskModel { id, .. } => {
            let outcome = ModelOutcome::text(replies.next()?);
            Some(Event::Model { request: *id, outcome })
        }
        Command::CallTool { id, .. } => {
            let value = ActionReturn::text("Calculator", Value::Null, "408");
            Some(Event::Tool { call: *id, outcome: ToolOutcome { value, milliseconds: 0 } })
        }
        _ => None,
    }) {
        commands = run.step(event);
        steps += 1;
    }
    steps
}

fn main() {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    let agents = [
        ("internlm2", AgentSpec::internlm2(tools.specs()), MARKED),
        ("react", AgentSpec::new(Protocol::React(React::default()), tools.specs()), TAGGED),
    ];
    for (name, agent, call) in agents {
        let (started, mut steps) = (Instant::now(), 0);
        while started.elapsed() < Duration::from_secs(1) {
            steps += question(&agent, call);
        }
        println!("{name}: {:.0} steps/s", f64::from(steps) / started.elapsed().as_secs_f64());
    }
}
