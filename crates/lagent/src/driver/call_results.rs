//! [`CallResults`]: the results of a question's tool calls as plain data, which evaluations score.

use super::Watcher;
use crate::Result;
use crate::action::ActionReturn;
use crate::run::Event;

/// A watcher that keeps the result of every tool call, in the order of the calls.
///
/// This is what an evaluation scores besides the answer: which tools ran with which arguments, whether they succeeded
/// and what they returned, in the JSON form of lagent's action returns. Calls that were not made, because there is no
/// such tool or the arguments do not fit, are only counted ([`Counters`](crate::run::Counters)).
///
/// A question is asked after a history by putting the history in front of it. A history of gold replies is made by
/// driving a script: its calls are made, and the run fails where the script ends, behind the results.
///
/// ```
/// use std::sync::Arc;
/// use lagent::action::{Calculator, Toolbox};
/// use lagent::driver::{CallResults, drive_blocking};
/// use lagent::llm::Scripted;
/// use lagent::run::{AgentRun, AgentSpec};
/// use lagent::{Message, Role};
///
/// let mut tools = Toolbox::default();
/// tools.add(Arc::new(Calculator));
/// let gold = Scripted::new([
///     "<|action_start|><|plugin|>\n{\"name\": \"Calculator\", \"parameters\": {\"expression\": \"6*7\"}}<|action_end|>",
/// ]);
/// let mut run = AgentRun::new(AgentSpec::internlm2(tools.specs()));
/// let (question, mut calls) = (vec![Message::user("What is 6 x 7?")], CallResults::default());
/// drive_blocking(&mut run, question, |asked| gold.next(asked), &tools, &mut calls)?;
/// assert_eq!(calls.as_slice()[0].for_model(), "42");
/// let history = run.history();
/// assert_eq!((history.len(), history[2].role), (3, Role::Environment));
/// # Ok::<(), lagent::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallResults(Vec<ActionReturn>);

impl CallResults {
    /// Returns the results so far, the first call first.
    #[must_use]
    pub fn as_slice(&self) -> &[ActionReturn] {
        &self.0
    }

    /// Returns the result of the last call of a tool; `None` if the tool was not called.
    ///
    /// Benchmarks judge a step by it: a model may correct its code, and only the last attempt counts.
    #[must_use]
    pub fn last_of(&self, tool: &str) -> Option<&ActionReturn> {
        self.0.iter().rev().find(|result| result.kind == tool)
    }

    /// Returns the results and forgets them, before the next question of the same watcher.
    #[must_use]
    pub fn take(&mut self) -> Vec<ActionReturn> {
        std::mem::take(&mut self.0)
    }
}

impl Watcher for CallResults {
    fn event(&mut self, event: &Event) -> Result<()> {
        if let Event::Tool { outcome, .. } = event {
            self.0.push(outcome.value.clone());
        }
        Ok(())
    }
}
