//! The driver for real models and tools, built on tokio.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use internlm_model::chat::Message;
use serde_json::Value;

use super::{Decision, Ending, ToolAccess, Watcher};
use crate::action::{ActionReturn, ActionState, ToolSpec, Toolbox};
use crate::hook::{Hooks, PendingAction};
use crate::llm::{LanguageModel, ModelRequest};
use crate::run::{Command, Event, Sampling, Step, ToolOutcome};
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
                    requests.push(asked.outcome(world.model));
                }
            }
            Command::CallTool { id, name, args, deadline } => {
                calls.push(call(world.tools, world.tools.action(id, name, args), deadline));
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

/// A model request with all that belongs to it.
struct Asked {
    id: u64,
    messages: Vec<Message>,
    tools: Vec<ToolSpec>,
    params: Sampling,
    grammar: Option<Value>,
}

impl Asked {
    fn request(&self) -> ModelRequest<'_> {
        let Self { messages, tools, params, grammar, .. } = self;
        ModelRequest { messages, tools, params, grammar: grammar.as_ref() }
    }

    async fn outcome<M: LanguageModel>(self, model: &M) -> Event {
        Event::Model { request: self.id, outcome: model.chat(self.request()).await }
    }
}

/// Makes one call: asks the hooks, runs the tool on its own thread, and shows the result to the hooks. The time that
/// a hook needs for its decision does not count.
async fn call(tools: ToolAccess<'_>, action: PendingAction, deadline: u64) -> Event {
    let call = action.id;
    let (action, refused) = judged(tools, action).await;
    let started = Instant::now();
    let mut value = match refused {
        Some(value) => value,
        None => made(tools, &action, deadline).await,
    };
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tools.after_action(&action, &mut value);
    Event::Tool { call, outcome: ToolOutcome { value, milliseconds } }
}

/// Asks the hooks about a call, on a thread where they may wait for a person. Returns the call as they changed it,
/// and what the model reads if it is not made.
async fn judged(tools: ToolAccess<'_>, action: PendingAction) -> (PendingAction, Option<ActionReturn>) {
    let Some(hooks) = tools.hooks().cloned() else { return (action, None) };
    let mut asked = action.clone();
    let judging = tokio::task::spawn_blocking(move || {
        let verdict = hooks.before_action(&mut asked);
        (asked, verdict)
    });
    match judging.await {
        Ok((asked, Ok(()))) => (asked, None),
        Ok((asked, Err(refusal))) => {
            let value = refusal.into_return(&asked);
            (asked, Some(value))
        }
        Err(_) => {
            let value = failed(&action, "a hook panicked".to_owned());
            (action, Some(value))
        }
    }
}

/// Runs the tool and waits for it until the deadline.
///
/// A thread cannot be stopped from outside, so a tool that runs programs has to limit them itself.
async fn made(tools: ToolAccess<'_>, action: &PendingAction, deadline: u64) -> ActionReturn {
    let (toolbox, asked) = (tools.tools().clone(), action.clone());
    let thread = tokio::task::spawn_blocking(move || {
        ToolAccess::from(&toolbox).with_session(&asked.session).call(&asked, deadline)
    });
    match tokio::time::timeout(Duration::from_millis(deadline), thread).await {
        Ok(Ok(value)) => value,
        Ok(Err(_)) => failed(action, "the tool panicked".to_owned()),
        Err(_) => failed(action, format!("the tool did not end within {deadline} ms")),
    }
}

fn failed(action: &PendingAction, message: String) -> ActionReturn {
    ActionReturn::error(&action.name, action.args.clone(), ActionState::ApiError, message)
}
