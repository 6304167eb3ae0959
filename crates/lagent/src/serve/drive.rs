//! [`Drive`]: the driver of the server, which clients can talk to while a question is being answered.
//!
//! The drivers of [`crate::driver`] decide about approvals at once and end when they are dropped. Here a decision may
//! come after hours from another connection, a client may end the run, and tools may be called by the client: so
//! everything that the agent waits for is an event of one loop.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use internlm_model::chat::{Message, Role};
use serde_json::Value;

use super::ToolsMode;
use super::agents::ServedAgent;
use super::failure::Failure;
use super::run::{Control, Run};
use crate::client::{PendingApproval, Tuning};
use crate::driver::{Asked, ToolAccess, call_tool};
use crate::hook::PendingAction;
use crate::run::{Command, Event, FailReason, Finish, Machine};

/// A call that the client has to make.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OpenCall {
    /// Number of the call in its run.
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) args: Value,
}

/// How a run has come to its end, or to a point where its client has to do something.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stop {
    Finished(Message, Finish),
    Failed(FailReason, Option<String>),
    /// The client calls these tools. The text is what the model has said before the calls.
    Tools(Vec<OpenCall>, String),
    /// The server could not do its part.
    Broken(Failure),
}

impl Stop {
    /// The agent did not take the question, or has ended without an answer and without a reason.
    fn not_taken() -> Self {
        Self::Broken(Failure::new(500, "the agent did not take the question"))
    }
}

/// What a run acts on.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) agent: Arc<ServedAgent>,
    pub(super) run: Arc<Run>,
    pub(super) tuning: Tuning,
    pub(super) mode: ToolsMode,
    /// Names the conversation for tools and hooks.
    pub(super) session: String,
}

/// A question under way.
struct Drive<'a> {
    scene: &'a Scene,
    /// Model requests and tool calls, each of which gives an event.
    work: FuturesUnordered<BoxFuture<'static, Event>>,
    calls: Vec<OpenCall>,
    /// Numbers of the calls whose decisions have not come. The run itself already forgets a call when its decision is
    /// on the way.
    undecided: BTreeSet<u64>,
    /// The last text of the model.
    text: String,
}

/// Gives events to a machine and carries out its commands until it stops.
pub(super) async fn drive(
    machine: &mut Machine,
    events: impl IntoIterator<Item = Event>,
    scene: &Scene,
    control: &mut Control,
) -> Stop {
    let mut drive = Drive {
        scene,
        work: FuturesUnordered::new(),
        calls: Vec::new(),
        undecided: BTreeSet::new(),
        text: String::new(),
    };
    let mut events: VecDeque<Event> = events.into_iter().collect();
    loop {
        while let Some(event) = events.pop_front() {
            if let Some(stop) = drive.step(machine, event, &mut events) {
                return stop;
            }
        }
        if let Some(stop) = drive.nothing_to_wait_for() {
            return stop;
        }
        tokio::select! {
            // A wish to end comes first.
            biased;
            Some(event) = control.recv() => events.push_back(event),
            Some(event) = drive.work.next(), if !drive.work.is_empty() => events.push_back(event),
            else => return Stop::not_taken(),
        }
    }
}

impl Drive<'_> {
    /// Gives one event to the machine and begins what it asks for.
    fn step(&mut self, machine: &mut Machine, event: Event, events: &mut VecDeque<Event>) -> Option<Stop> {
        let run = &self.scene.run;
        run.log.add("event", &event);
        if let Event::Approve { call } | Event::Deny { call, .. } = &event {
            self.undecided.remove(call);
        }
        let commands = machine.step(event);
        run.set_used(*machine.used());
        for command in &commands {
            run.log.add("command", command);
        }
        if let Some(stop) = commands.iter().find_map(stop) {
            return Some(stop);
        }
        for command in commands {
            self.begin(command, events);
        }
        None
    }

    fn begin(&mut self, command: Command, events: &mut VecDeque<Event>) {
        match command {
            Command::AskModel { id, messages, tools, params, grammar } => {
                let params = self.scene.tuning.apply(&params);
                let asked = Asked { id, messages, tools, params, grammar };
                self.work.push(answered(asked, self.scene.clone()).boxed());
            }
            Command::CallTool { id, name, args, .. } if self.scene.mode == ToolsMode::Calls => {
                self.calls.push(OpenCall { id, name, args });
            }
            Command::CallTool { id, name, args, deadline } => {
                let action = PendingAction::new(&self.scene.session, id, name, args);
                self.work.push(called(action, deadline, self.scene.clone()).boxed());
            }
            // The client that makes the calls decides about them.
            Command::AskHuman { call, .. } if self.scene.mode == ToolsMode::Calls => {
                events.push_back(Event::Approve { call });
            }
            Command::AskHuman { call, name, args } => {
                self.undecided.insert(call);
                self.scene.run.ask(PendingApproval { call, name, args });
            }
            Command::Emit { message, .. } if message.role == Role::Assistant => {
                message.text().clone_into(&mut self.text);
            }
            _ => {}
        }
    }

    /// Why nothing more will happen by itself, if that is so.
    fn nothing_to_wait_for(&mut self) -> Option<Stop> {
        if !self.work.is_empty() || !self.undecided.is_empty() {
            return None;
        }
        if self.calls.is_empty() {
            return Some(Stop::not_taken());
        }
        Some(Stop::Tools(std::mem::take(&mut self.calls), std::mem::take(&mut self.text)))
    }
}

/// Asks the model. Its text is passed on while somebody reads the run's events.
async fn answered(asked: Asked, scene: Scene) -> Event {
    let (model, log) = (&scene.agent.model, &scene.run.log);
    let outcome = if log.has_readers() {
        let mut pass_on = |text: &str| {
            log.delta(&Event::ModelDelta { request: asked.id, text: text.to_owned() });
        };
        model.stream(asked.request(), &mut pass_on).await
    } else {
        model.chat(asked.request()).await
    };
    Event::Model { request: asked.id, outcome }
}

/// Makes a call with the tools and hooks of the scene's agent.
async fn called(action: PendingAction, deadline: u64, scene: Scene) -> Event {
    let agent = &scene.agent;
    call_tool(ToolAccess::from(&agent.tools).with_hooks(&agent.hooks), action, deadline).await
}

/// The stop that a command means, if it means one.
fn stop(command: &Command) -> Option<Stop> {
    match command {
        Command::Finish { message, finish } => Some(Stop::Finished(message.clone(), *finish)),
        Command::Fail { reason, best } => Some(Stop::Failed(reason.clone(), best.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
