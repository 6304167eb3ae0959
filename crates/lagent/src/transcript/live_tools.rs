//! Makes the calls of a transcript again and compares their results with the recorded ones.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Recorded, read_transcript};
use crate::Result;
use crate::action::{CallContext, Toolbox};
use crate::run::{Command, Event};

/// A call whose result is not the recorded one any more.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChangedResult {
    /// Number of the recorded result's line, counted from 1.
    pub line: usize,
    /// Name of the tool.
    pub name: String,
    /// Arguments of the call.
    pub args: Value,
    /// What the model has read.
    pub recorded: String,
    /// What it would read now.
    pub now: String,
}

/// The outcome of [`check_tools`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Checked {
    /// Number of calls that were made.
    pub calls: usize,
    /// Calls with another result, in the order of the transcript.
    pub changed: Vec<ChangedResult>,
}

/// Makes every recorded call that has a result again, one after the other, in the session of its run.
///
/// Tools have effects: this is a consent to repeat all of them. Calls that a hook has changed or refused are made as
/// the model asked for them.
///
/// # Errors
/// The same as [`read_transcript`].
pub fn check_tools(path: impl AsRef<Path>, tools: &Toolbox) -> Result<Checked> {
    let mut checked = Checked::default();
    for run in read_transcript(path)? {
        let mut asked: BTreeMap<u64, (String, Value)> = BTreeMap::new();
        for (index, step) in run.steps.into_iter().enumerate() {
            match step {
                Recorded::Command(Command::CallTool { id, name, args, .. }) => {
                    asked.insert(id, (name, args));
                }
                Recorded::Event(Event::Tool { call, outcome }) => {
                    let Some((name, args)) = asked.remove(&call) else { continue };
                    let context = CallContext { session: &run.header.id, ..Default::default() };
                    let now = tools.call_in(&context, &name, &args).for_model();
                    let recorded = outcome.value.for_model();
                    checked.calls += 1;
                    if now != recorded {
                        let line = run.line + 1 + index;
                        checked.changed.push(ChangedResult { line, name, args, recorded, now });
                    }
                }
                Recorded::Command(_) | Recorded::Event(_) => {}
            }
        }
    }
    Ok(checked)
}
