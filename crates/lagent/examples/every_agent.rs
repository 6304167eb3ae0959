//! One question to each kind of agent. The models are scripts, so this runs without a server.
//!
//! `cargo run --release -p lagent --example every_agent`
#![allow(clippy::print_stdout)]

use std::sync::Arc;

use lagent::action::{Calculator, ToolSettings, Toolbox};
use lagent::driver::{Silent, drive_blocking};
use lagent::llm::Scripted;
use lagent::protocol::{AutoGpt, InternLm2, MathCoder, Plain, Protocol, React, Rewoo};
use lagent::run::{AgentRun, AgentSpec, Step};
use lagent::team::{Lead, MemberSpec, Parallel, Sequential, TeamKind, TeamRun, TeamSpec};
use lagent::{Message, Result};

const QUESTION: &str = "What is 12 x 34?";
const PLUGIN: &str = "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"12*34\"}}<|action_end|>";
const CODE: &str = "<|action_start|><|interpreter|>\n```python\n12 * 34\n```\n<|action_end|>";

/// Asks the question and prints the answer.
fn ask(name: &str, run: &mut impl Step, tools: &Toolbox, replies: &[&str]) -> Result<()> {
    let model = Scripted::new(replies.iter().copied());
    let question = vec![Message::user(QUESTION)];
    let ending = drive_blocking(run, question, |asked| model.next(asked), tools, &mut Silent)?;
    println!("{name:10} {}", ending.answer().unwrap_or("no answer").trim());
    Ok(())
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut tools = Toolbox::default();
    tools.add(Arc::new(Calculator));
    let agents: [(&str, Protocol, &[&str]); 5] = [
        ("plain", Protocol::Plain(Plain::default()), &["It is 408."]),
        ("internlm2", Protocol::InternLm2(InternLm2::default()), &[PLUGIN, "It is 408."]),
        (
            "react",
            Protocol::React(React::default()),
            &[
                "Thought: multiply\nAction: Calculator\nAction Input: {\"expression\": \"12*34\"}\n",
                "Thought: done\nFinal Answer: It is 408.",
            ],
        ),
        (
            "rewoo",
            Protocol::Rewoo(Rewoo::default()),
            &["Plan: multiply\n#E1 = Calculator[{\"expression\": \"12*34\"}]\n", "It is 408."],
        ),
        (
            "autogpt",
            Protocol::AutoGpt(AutoGpt::default()),
            &[
                r#"{"thoughts": {"text": "multiply", "reasoning": "", "plan": "", "criticism": "", "speak": ""}, "command": {"name": "Calculator", "args": {"expression": "12*34"}}}"#,
                r#"{"thoughts": {"text": "done", "reasoning": "", "plan": "", "criticism": "", "speak": ""}, "command": {"name": "FinishAction", "args": {"response": "It is 408."}}}"#,
            ],
        ),
    ];
    for (name, protocol, replies) in agents {
        let mut run = AgentRun::new(AgentSpec::new(protocol, tools.specs()));
        ask(name, &mut run, &tools, replies)?;
    }
    let python = Toolbox::with_tools(&["IPythonInteractive".to_owned()], &ToolSettings::default())?;
    let coder = AgentSpec::new(Protocol::MathCoder(MathCoder::default()), python.specs());
    ask("mathcoder", &mut AgentRun::new(coder), &python, &[CODE, "It is \\boxed{408}."])?;
    teams(&tools)
}

/// Agents that work together: one after the other, at the same time, and one that calls another as a tool.
fn teams(tools: &Toolbox) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let solver = MemberSpec::agent("solver", AgentSpec::internlm2(tools.specs()));
    let plain =
        |name: &str| MemberSpec::agent(name, AgentSpec::new(Protocol::Plain(Plain::default()), Vec::new()));
    let sequence = TeamKind::Sequential(Sequential::default());
    let mut team = TeamRun::new(TeamSpec::new(sequence, [solver.clone(), plain("editor")]))?;
    ask("sequential", &mut team, tools, &[PLUGIN, "It is 408.", "408."])?;
    let parallel = TeamKind::Parallel(Parallel::default());
    let mut team = TeamRun::new(TeamSpec::new(parallel, [plain("one"), plain("two")]))?;
    ask("parallel", &mut team, tools, &["408", "It is 408."])?;
    let lead = TeamKind::Lead(Lead::new("boss"));
    let boss = MemberSpec::agent("boss", AgentSpec::internlm2(Vec::new()));
    let call = "<|action_start|><|plugin|>\n{\"name\": \"solver\", \"parameters\": {\"message\": \"12 x 34\"}}<|action_end|>";
    let mut team = TeamRun::new(TeamSpec::new(lead, [boss, solver]))?;
    ask("lead", &mut team, tools, &[call, PLUGIN, "It is 408.", "My solver says 408."])?;
    Ok(())
}
