//! The driver for real models and tools, built on tokio.

use std::collections::VecDeque;

use futures_util::future::{join, join_all};
use internlm_model::chat::Message;

use super::asked::Asked;
use super::tool_call::call_tool;
use super::{Decision, Ending, ToolAccess, Watcher};
use crate::action::Toolbox;
use crate::hook::Hooks;
use crate::llm::LanguageModel;
use crate::run::{Command, Event, Step};
use crate::{Error, Result};

/// The model and the tools that a run acts on.
#[derive(Debug)]
pub struct World<'a, M> {
    model: &'a M,
    tools: ToolAccess<'a>,
}

impl<'a, M> World<'a, M> {
    /// Creates a world. Model and tools may be shared by many runs at the same time.
    #[must_use]
    pub fn new(model: &'a M, tools: &'a Toolbox) -> Self {
        Self { model, tools: tools.into() }
    }

    /// Adds hooks, which see questions, calls and their ends.
    #[must_use]
    pub fn with_hooks(self, hooks: &'a Hooks) -> Self {
        Self { tools: self.tools.with_hooks(hooks), ..self }
    }

    /// Names the conversation, for tools and hooks that keep something for each of them.
    #[must_use]
    pub fn with_session(self, session: &'a str) -> Self {
        Self { tools: self.tools.with_session(session), ..self }
    }

    /// Returns the tools, for instance to read their definitions or sandbox level.
    #[must_use]
    pub fn tools(&self) -> &'a Toolbox {
        self.tools.tools()
    }

    /// Returns the model that answers the requests.
    #[must_use]
    pub fn model(&self) -> &'a M {
        self.model
    }
}

// Derived `Clone` and `Copy` would ask for `M: Clone`, although only references are copied.
impl<M> Clone for World<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for World<'_, M> {}

/// Asks one question and carries out every command until the question ends. `run` is an agent, a team or a
/// [`Machine`](crate::run::Machine).
///
/// The calls of one reply run at the same time. Their results are reported in the order of the calls, so the
/// commands do not depend on which tool is faster.
///
/// # Errors
/// [`Error::NotReady`] when the run is in the middle of another question; any error of the watcher. A failing
/// model or tool is not an error: it is an event, and perhaps the ending.
pub async fn drive<M: LanguageModel>(
    run: &mut (impl Step + ?Sized),
    mut messages: Vec<Message>,
    world: World<'_, M>,
    watcher: &mut dyn Watcher,
) -> Result<Ending> {
    if let Some(refused) = world.tools.before_agent(&mut messages) {
        return Ok(refused);
    }
    let mut events = VecDeque::from([Event::Start { messages }]);
    while let Some(event) = events.pop_front() {
        watcher.event(&event)?;
        let commands = run.step(event);
        for command in &commands {
            watcher.command(command)?;
        }
        if let Some(ending) = commands.iter().find_map(Ending::of) {
            return Ok(world.tools.after_agent(ending));
        }
        carry_out(commands, &world, watcher, &mut events).await;
    }
    // Every command is answered by an event, so only a start that the run ignored leads here.
    Err(Error::NotReady)
}

/// Carries out commands. Requests and calls run at the same time; requests whose text is watched run one after the
/// other.
async fn carry_out<M: LanguageModel>(
    commands: Vec<Command>,
    world: &World<'_, M>,
    watcher: &mut dyn Watcher,
    events: &mut VecDeque<Event>,
) {
    let (mut requests, mut calls) = (Vec::new(), Vec::new());
    for command in commands {
        match command {
            Command::AskModel { id, messages, tools, params, grammar } => {
                let asked = Asked { id, messages, tools, params, grammar };
                if watcher.wants_deltas() {
                    let outcome = world.model.stream(asked.request(), &mut |text| watcher.delta(text)).await;
                    events.push_back(Event::Model { request: id, outcome });
                } else {
                    requests.push(answered(asked, world.model));
                }
            }
            Command::CallTool { id, name, args, deadline } => {
                calls.push(call_tool(world.tools, world.tools.action(id, name, args), deadline));
            }
            Command::AskHuman { call, name, args } => {
                events.push_back(match watcher.decide(&name, &args) {
                    Decision::Approve => Event::Approve { call },
                    Decision::Deny(reason) => Event::Deny { call, reason },
                });
            }
            Command::Emit { .. } | Command::Finish { .. } | Command::Fail { .. } => {}
        }
    }
    let (replies, results) = join(join_all(requests), join_all(calls)).await;
    events.extend(replies);
    events.extend(results);
}

async fn answered<M: LanguageModel>(asked: Asked, model: &M) -> Event {
    Event::Model { request: asked.id, outcome: model.chat(asked.request()).await }
}
