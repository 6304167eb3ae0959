//! `TeamRun`: takes events and returns commands for several agents that work on one question.

mod calls;
mod flow;
mod routes;
mod seat;
mod worker;

use std::collections::BTreeMap;

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};

use self::flow::Flow;
use self::routes::{Routes, event_id};
use self::seat::Seat;
use super::error::TeamError;
use super::kind::TeamKind;
use super::member_tools::{call_tool, transfer_tool};
use super::plan::Plan;
use super::spec::{MemberSpec, TeamSpec};
use crate::Result;
use crate::action::ToolSpec;
use crate::run::{Command, Counters, Event, FailReason, Finish, Limits, MachinePhase};

/// The state of one conversation with a team.
///
/// [`TeamRun::step`] is a pure function of the state and the event, and the state can be saved between any two
/// events, as for a single [`AgentRun`](crate::run::AgentRun). The ids of commands are unique in the team.
/// [`Command::Emit`] names the member that a message belongs to.
///
/// ```
/// use lagent::Message;
/// use lagent::run::{AgentSpec, Command, Event, ModelOutcome};
/// use lagent::team::{MemberSpec, Sequential, TeamKind, TeamRun, TeamSpec};
///
/// let member = |name| MemberSpec::agent(name, AgentSpec::internlm2(Vec::new()));
/// let kind = TeamKind::Sequential(Sequential::default());
/// let mut team = TeamRun::new(TeamSpec::new(kind, [member("writer"), member("editor")]))?;
/// let mut commands = team.step(Event::Start { messages: vec![Message::user("Write a line.")] });
/// for reply in ["A draft.", "A line."] {
///     let Some(Command::AskModel { id, .. }) = commands.last() else { panic!("it asks the model") };
///     commands = team.step(Event::Model { request: *id, outcome: ModelOutcome::text(reply) });
/// }
/// assert!(matches!(&commands[..], [Command::Finish { message, .. }] if message.text() == "A line."));
/// # Ok::<(), lagent::team::TeamError>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TeamRun {
    kind: TeamKind,
    limits: Limits,
    names: Vec<String>,
    descriptions: Vec<String>,
    seats: Vec<Seat>,
    routes: Routes,
    plan: Plan,
    phase: MachinePhase,
    history: Vec<Message>,
    used: Counters,
    best: Option<String>,
}

impl TeamRun {
    /// Creates a run with an empty conversation, waiting for [`Event::Start`].
    ///
    /// # Errors
    /// [`TeamError::Invalid`], which lists all problems of the definition.
    pub fn new(spec: TeamSpec) -> Result<Self, TeamError> {
        let problems = spec.problems();
        if problems.is_empty() { Ok(Self::of_checked(spec)) } else { Err(TeamError::Invalid { problems }) }
    }

    /// Creates a run from a definition without problems.
    fn of_checked(spec: TeamSpec) -> Self {
        let TeamSpec { kind, limits, members } = spec;
        let names: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
        let descriptions: Vec<String> = members.iter().map(|member| member.description.clone()).collect();
        let known: Vec<(&str, &str)> =
            names.iter().map(String::as_str).zip(descriptions.iter().map(String::as_str)).collect();
        let seats = members.into_iter().map(|member| seat(&kind, member, &known)).collect();
        Self {
            kind,
            limits,
            names,
            descriptions,
            seats,
            routes: Routes::default(),
            plan: Plan::default(),
            phase: MachinePhase::Ready,
            history: Vec::new(),
            used: Counters::default(),
            best: None,
        }
    }

    /// Serializes the whole state as one line of JSON.
    ///
    /// # Panics
    /// Never: every part of the state has a JSON form.
    #[must_use]
    pub fn save(&self) -> String {
        serde_json::to_string(self).expect("every part of the state has a JSON form")
    }

    /// Restores a run from the text of [`TeamRun::save`].
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) when the text is not a saved team.
    pub fn load(text: &str) -> Result<Self> {
        Ok(serde_json::from_str(text)?)
    }

    /// Returns the questions and the answers of the team, without what its members said to each other.
    #[must_use]
    pub fn history(&self) -> Vec<Message> {
        self.history.clone()
    }

    /// Returns the conversation of the team under the empty path, and those of all members at any depth by their
    /// dotted paths, such as `planner` and `planner.critic`.
    #[must_use]
    pub fn histories(&self) -> BTreeMap<String, Vec<Message>> {
        let mut histories = BTreeMap::from([(String::new(), self.history.clone())]);
        for seat in &self.seats {
            histories.extend(seat.histories());
        }
        histories
    }

    /// Returns what the team is waiting for.
    #[must_use]
    pub fn phase(&self) -> MachinePhase {
        self.phase
    }

    /// Returns what all members have used together since the last [`Event::Start`]. Time is the sum over members,
    /// also of those that work at the same time.
    #[must_use]
    pub fn used(&self) -> &Counters {
        &self.used
    }

    /// Takes one event and returns the commands that follow from it.
    ///
    /// An event that no member is waiting for changes nothing and returns no commands.
    pub fn step(&mut self, mut event: Event) -> Vec<Command> {
        let is_busy = self.phase == MachinePhase::Busy;
        match event {
            Event::Start { messages } if !is_busy => self.start(messages),
            Event::Cancel if is_busy => vec![self.fail(FailReason::Cancelled)],
            _ if !is_busy => Vec::new(),
            _ => {
                let Some(id) = event_id(&mut event) else { return Vec::new() };
                let Some((member, local)) = self.routes.find(*id) else { return Vec::new() };
                *id = local;
                self.run(Flow::of(member, event))
            }
        }
    }

    /// Begins a question. Limits apply per question, so the counters start again.
    fn start(&mut self, messages: Vec<Message>) -> Vec<Command> {
        self.history.extend_from_slice(&messages);
        self.used = Counters::default();
        self.best = None;
        self.plan = Plan { question: messages, ..Plan::default() };
        self.phase = MachinePhase::Busy;
        self.run(Flow::default())
    }

    /// Ends the question with an answer. Members that still work are cancelled.
    fn finish(&mut self, message: Message, finish: Finish) -> Command {
        self.close();
        self.phase = MachinePhase::Ready;
        self.history.push(message.clone());
        Command::Finish { message, finish }
    }

    /// Ends the question without an answer. Members that still work are cancelled.
    fn fail(&mut self, reason: FailReason) -> Command {
        self.close();
        self.phase = MachinePhase::Failed;
        Command::Fail { reason, best: self.best.clone() }
    }

    fn close(&mut self) {
        self.seats.iter_mut().for_each(Seat::cancel);
        self.routes.close_all();
        self.plan = Plan::default();
    }
}

/// Gives a member the tools by which it reaches the others.
fn seat(kind: &TeamKind, member: MemberSpec, known: &[(&str, &str)]) -> Seat {
    let others: Vec<(&str, &str)> = known.iter().copied().filter(|(name, _)| *name != member.name).collect();
    let mut calls = member.calls.clone();
    let mut tools: Vec<ToolSpec> = Vec::new();
    match kind {
        TeamKind::Lead(config) if config.lead == member.name => {
            calls = others.iter().map(|(name, _)| (*name).to_owned()).collect();
        }
        TeamKind::Handoff(_) => {
            tools.extend(others.iter().map(|(name, description)| transfer_tool(name, description)));
        }
        _ => {}
    }
    let called = others.iter().filter(|(name, _)| calls.iter().any(|call| call == name));
    tools.extend(called.map(|(name, description)| call_tool(name, description)));
    Seat::new(member, calls, tools)
}
