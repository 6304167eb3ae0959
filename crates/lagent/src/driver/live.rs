//! The driver for real models and tools, built on tokio.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use internlm_model::chat::Message;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{Decision, Ending, Watcher};
use crate::action::{ActionReturn, ActionState, Toolbox};
use crate::llm::{LanguageModel, ModelRequest};
use crate::run::{AgentRun, Command, Event, ToolOutcome};
use crate::{Error, Result};

/// The model and the tools that a run acts on.
#[derive(Debug)]
pub struct World<'a, M> {
    model: &'a M,
    tools: &'a Toolbox,
}

impl<'a, M> World<'a, M> {
    /// Creates a world. Model and tools may be shared by many runs at the same time.
    #[must_use]
    pub fn new(model: &'a M, tools: &'a Toolbox) -> Self {
        Self { model, tools }
    }

    /// Returns the tools, for instance to read their definitions or sandbox level.
    #[must_use]
    pub fn tools(&self) -> &'a Toolbox {
        self.tools
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

/// Asks one question and carries out every command until the question ends.
///
/// The calls of one reply run at the same time. Their results are reported in the order of the calls, so the
/// commands do not depend on which tool is faster.
///
/// # Errors
/// [`Error::NotReady`] when the run is in the middle of another question; any error of the watcher. A failing
/// model or tool is not an error: it is an event, and perhaps the ending.
pub async fn drive<M: LanguageModel>(
    run: &mut AgentRun,
    messages: Vec<Message>,
    world: World<'_, M>,
    watcher: &mut dyn Watcher,
) -> Result<Ending> {
    let mut events = VecDeque::from([Event::Start { messages }]);
    while let Some(event) = events.pop_front() {
        watcher.event(&event)?;
        let commands = run.step(event);
        for command in &commands {
            watcher.command(command)?;
        }
        if let Some(ending) = commands.iter().find_map(Ending::of) {
            return Ok(ending);
        }
        carry_out(commands, &world, watcher, &mut events).await;
    }
    // Every command is answered by an event, so only a start that the run ignored leads here.
    Err(Error::NotReady)
}

async fn carry_out<M: LanguageModel>(
    commands: Vec<Command>,
    world: &World<'_, M>,
    watcher: &mut dyn Watcher,
    events: &mut VecDeque<Event>,
) {
    let mut calls = Vec::new();
    for command in commands {
        match command {
            Command::AskModel { id, messages, tools, params } => {
                let request = ModelRequest { messages: &messages, tools: &tools, params: &params };
                let outcome = if watcher.wants_deltas() {
                    world.model.stream(request, &mut |text| watcher.delta(text)).await
                } else {
                    world.model.chat(request).await
                };
                events.push_back(Event::Model { request: id, outcome });
            }
            Command::CallTool { id, name, args, deadline } => {
                calls.push((id, Call::start(world.tools, name, args, deadline)));
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
    for (call, running) in calls {
        events.push_back(Event::Tool { call, outcome: running.outcome().await });
    }
}

/// A tool call that runs on its own thread.
struct Call {
    name: String,
    args: Value,
    deadline: Duration,
    started: Instant,
    thread: JoinHandle<ActionReturn>,
}

impl Call {
    fn start(tools: &Toolbox, name: String, args: Value, deadline: u64) -> Self {
        let (tools, tool, arguments) = (tools.clone(), name.clone(), args.clone());
        let thread = tokio::task::spawn_blocking(move || tools.call(&tool, &arguments));
        Self { name, args, deadline: Duration::from_millis(deadline), started: Instant::now(), thread }
    }

    /// Waits for the tool until its deadline.
    ///
    /// A thread cannot be stopped from outside, so a tool that runs programs has to limit them itself.
    async fn outcome(self) -> ToolOutcome {
        let failed = |message: String| ActionReturn {
            errmsg: Some(message),
            ..ActionReturn::error(&self.name, self.args.clone(), ActionState::ApiError, "")
        };
        let left = self.deadline.saturating_sub(self.started.elapsed());
        let value = match tokio::time::timeout(left, self.thread).await {
            Ok(Ok(value)) => value,
            Ok(Err(_)) => failed("the tool panicked".to_owned()),
            Err(_) => failed(format!("the tool did not end within {} ms", self.deadline.as_millis())),
        };
        let milliseconds = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        ToolOutcome { value, milliseconds }
    }
}
