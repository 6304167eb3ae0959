//! Runs as samples for fine-tuning: OpenAI messages with tools, one conversation per line, as xtuner reads them.

use internlm_model::chat::openai::{ToolDefinition, write_messages};
use serde_json::{Map, Value};

use super::{Recorded, RecordedRun};
use crate::Result;
use crate::run::{Command, Finish, Machine};

/// The samples of all runs that give one.
pub(super) fn lines(runs: &[RecordedRun]) -> Result<String> {
    let mut lines = String::new();
    for run in runs {
        if let Some(sample) = sample(run)? {
            lines.push_str(&format!("{sample}\n"));
        }
    }
    Ok(lines)
}

/// The conversation of a run; `None` for teams, whose members have conversations of their own, and for a run whose
/// last question has no whole answer.
fn sample(run: &RecordedRun) -> Result<Option<Value>> {
    let Machine::Agent(agent) = &run.header.agent else { return Ok(None) };
    if !is_answered(run) {
        return Ok(None);
    }
    let mut machine = agent.clone();
    for step in &run.steps {
        if let Recorded::Event(event) = step {
            machine.step(event.clone());
        }
    }
    let tools = machine.spec().tools.iter();
    let tools: Vec<ToolDefinition> = tools
        .map(|tool| ToolDefinition::function(&tool.name, &tool.description, tool.parameters.clone()))
        .collect();
    let mut sample = Map::new();
    if !tools.is_empty() {
        sample.insert("tools".to_owned(), serde_json::to_value(tools)?);
    }
    sample.insert("messages".to_owned(), serde_json::to_value(write_messages(machine.history()))?);
    Ok(Some(Value::Object(sample)))
}

/// Whether the last question ended with an answer that is not cut off.
fn is_answered(run: &RecordedRun) -> bool {
    let last = run.steps.iter().rev().find_map(|step| match step {
        Recorded::Command(command @ (Command::Finish { .. } | Command::Fail { .. })) => Some(command),
        _ => None,
    });
    matches!(last, Some(Command::Finish { finish: Finish::Stop, .. }))
}
