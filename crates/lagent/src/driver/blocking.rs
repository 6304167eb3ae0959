//! The driver without a runtime or a clock, for tests, examples and scoring.

use std::collections::VecDeque;

use internlm_model::chat::Message;

use super::{Decision, Ending, ToolAccess, Watcher};
use crate::action::ActionReturn;
use crate::hook::PendingAction;
use crate::llm::ModelRequest;
use crate::run::{Command, Event, ModelOutcome, Step, ToolOutcome};
use crate::{Error, Result};

/// Asks one question; the function `model` answers the requests. `run` is an agent, a team or a
/// [`Machine`](crate::run::Machine); `tools` is a reference to a toolbox, or a [`ToolAccess`] with hooks.
///
/// Calls run one after the other and count as taking no time, so the same model and tools always give the
/// same events.
///
/// ```
/// use lagent::Message;
/// use lagent::action::Toolbox;
/// use lagent::driver::{Silent, drive_blocking};
/// use lagent::llm::Scripted;
/// use lagent::run::{AgentRun, AgentSpec};
///
/// let model = Scripted::new(["Hello!"]);
/// let mut run = AgentRun::new(AgentSpec::internlm2(Vec::new()));
/// let question = vec![Message::user("Hi")];
/// let ending =
///     drive_blocking(&mut run, question, |asked| model.next(asked), &Toolbox::default(), &mut Silent)?;
/// assert_eq!(ending.answer(), Some("Hello!"));
/// # Ok::<(), lagent::Error>(())
/// ```
///
/// # Errors
/// [`Error::NotReady`] when the run is in the middle of another question; any error of the watcher.
pub fn drive_blocking<'a>(
    run: &mut (impl Step + ?Sized),
    mut messages: Vec<Message>,
    mut model: impl FnMut(ModelRequest<'_>) -> ModelOutcome,
    tools: impl Into<ToolAccess<'a>>,
    watcher: &mut dyn Watcher,
) -> Result<Ending> {
    let tools: ToolAccess<'_> = tools.into();
    if let Some(refused) = tools.before_agent(&mut messages) {
        return Ok(refused);
    }
    let mut events = VecDeque::from([Event::Start { messages }]);
    while let Some(event) = events.pop_front() {
        watcher.event(&event)?;
        for command in run.step(event) {
            watcher.command(&command)?;
            if let Some(ending) = Ending::of(&command) {
                return Ok(tools.after_agent(ending));
            }
            events.extend(match command {
                Command::AskModel { id, messages, tools, params, grammar } => {
                    let grammar = grammar.as_ref();
                    let request =
                        ModelRequest { messages: &messages, tools: &tools, params: &params, grammar };
                    Some(Event::Model { request: id, outcome: model(request) })
                }
                Command::CallTool { id, name, args, deadline } => {
                    let value = call(&tools, tools.action(id, name, args), deadline);
                    Some(Event::Tool { call: id, outcome: ToolOutcome { value, milliseconds: 0 } })
                }
                Command::AskHuman { call, name, args } => Some(match watcher.decide(&name, &args) {
                    Decision::Approve => Event::Approve { call },
                    Decision::Deny(reason) => Event::Deny { call, reason },
                }),
                _ => None,
            });
        }
    }
    // Every command is answered by an event, so only a start that the run ignored leads here.
    Err(Error::NotReady)
}

fn call(tools: &ToolAccess<'_>, mut action: PendingAction, deadline: u64) -> ActionReturn {
    let verdict = tools.hooks().map_or(Ok(()), |hooks| hooks.before_action(&mut action));
    let mut value = match verdict {
        Ok(()) => tools.call(&action, deadline),
        Err(refusal) => refusal.into_return(&action),
    };
    tools.after_action(&action, &mut value);
    value
}
