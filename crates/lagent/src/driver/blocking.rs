//! The driver without a runtime or a clock, for tests, examples and scoring.

use std::collections::VecDeque;

use internlm_model::chat::Message;

use super::{Decision, Ending, Watcher};
use crate::action::Toolbox;
use crate::llm::ModelRequest;
use crate::run::{AgentRun, Command, Event, ModelOutcome, ToolOutcome};
use crate::{Error, Result};

/// Asks one question; the function `model` answers the requests.
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
pub fn drive_blocking(
    run: &mut AgentRun,
    messages: Vec<Message>,
    mut model: impl FnMut(ModelRequest<'_>) -> ModelOutcome,
    tools: &Toolbox,
    watcher: &mut dyn Watcher,
) -> Result<Ending> {
    let mut events = VecDeque::from([Event::Start { messages }]);
    while let Some(event) = events.pop_front() {
        watcher.event(&event)?;
        for command in run.step(event) {
            watcher.command(&command)?;
            if let Some(ending) = Ending::of(&command) {
                return Ok(ending);
            }
            events.extend(match command {
                Command::AskModel { id, messages, tools, params } => {
                    let request = ModelRequest { messages: &messages, tools: &tools, params: &params };
                    Some(Event::Model { request: id, outcome: model(request) })
                }
                Command::CallTool { id, name, args, .. } => {
                    let outcome = ToolOutcome { value: tools.call(&name, &args), milliseconds: 0 };
                    Some(Event::Tool { call: id, outcome })
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
