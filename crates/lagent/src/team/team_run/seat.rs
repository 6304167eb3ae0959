//! `Seat`: one member with the work that it has and the work that waits for it.

use std::collections::{BTreeMap, VecDeque};

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::worker::Worker;
use crate::action::ToolSpec;
use crate::run::{Command, Counters, Event};
use crate::team::spec::MemberSpec;

/// One member of a team.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Seat {
    pub(super) name: String,
    /// Names of the members that this one may call.
    calls: Vec<String>,
    worker: Worker,
    job: Option<Job>,
    queue: VecDeque<Assigned>,
}

/// Who waits for a member's answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Job {
    /// The call that the answer goes to; absent if it goes to the plan.
    pub(super) caller: Option<Caller>,
    /// Number of calls of members inside each other, this one included.
    pub(super) depth: u32,
}

/// The call of a member by another one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Caller {
    /// Index of the member that calls.
    pub(super) member: usize,
    /// The call's id in the run of that member.
    pub(super) call: u64,
    /// The arguments of the call.
    pub(super) args: Value,
}

/// Work that a member has not begun.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Assigned {
    pub(super) job: Job,
    pub(super) messages: Vec<Message>,
}

impl Job {
    /// The work of a member that the plan asks for.
    pub(super) fn of_plan() -> Self {
        Self { caller: None, depth: 0 }
    }
}

impl Seat {
    pub(super) fn new(member: MemberSpec, calls: Vec<String>, tools: Vec<ToolSpec>) -> Self {
        let MemberSpec { name, kind, .. } = member;
        Self { name, calls, worker: Worker::new(kind, tools), job: None, queue: VecDeque::new() }
    }

    /// The work that the member has begun.
    pub(super) fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }

    /// Whether this member may call the one with this name.
    pub(super) fn may_call(&self, name: &str) -> bool {
        self.calls.iter().any(|call| call == name)
    }

    /// Whether the member is a single agent, which the team gave tools to.
    pub(super) fn is_agent(&self) -> bool {
        matches!(self.worker, Worker::Agent(_))
    }

    /// Gives the member work. Returns the event that begins it, unless the member has other work first.
    pub(super) fn assign(&mut self, work: Assigned) -> Option<Event> {
        if self.job.is_some() {
            self.queue.push_back(work);
            return None;
        }
        self.job = Some(work.job);
        Some(Event::Start { messages: work.messages })
    }

    /// Ends the member's work. Returns whom it was for, and the event that begins what waits next.
    pub(super) fn release(&mut self) -> Option<(Job, Option<Event>)> {
        let job = self.job.take()?;
        let next = self.queue.pop_front().and_then(|work| self.assign(work));
        Some((job, next))
    }

    /// Stops the member's work and forgets what waits.
    pub(super) fn cancel(&mut self) {
        self.queue.clear();
        if self.job.take().is_some() {
            self.worker.step(Event::Cancel);
        }
    }

    /// Steps the member. Also returns what the step used; turns and tool calls are counted by their commands.
    pub(super) fn step(&mut self, event: Event) -> (Vec<Command>, Counters) {
        // A start resets the counters.
        let is_start = matches!(event, Event::Start { .. });
        let before = if is_start { Counters::default() } else { self.worker.used() };
        let commands = self.worker.step(event);
        let after = self.worker.used();
        let used = Counters {
            input_tokens: after.input_tokens.saturating_sub(before.input_tokens),
            output_tokens: after.output_tokens.saturating_sub(before.output_tokens),
            parse_errors: after.parse_errors.saturating_sub(before.parse_errors),
            milliseconds: after.milliseconds.saturating_sub(before.milliseconds),
            ..Counters::default()
        };
        (commands, used)
    }

    /// Indices of the members whose calls this one works on or has waiting.
    pub(super) fn callers(&self) -> impl Iterator<Item = usize> {
        let jobs = self.job.iter().chain(self.queue.iter().map(|work| &work.job));
        jobs.filter_map(|job| job.caller.as_ref()).map(|caller| caller.member)
    }

    /// The conversations of the member and of its own members, by path.
    pub(super) fn histories(&self) -> BTreeMap<String, Vec<Message>> {
        self.worker.histories(&self.name)
    }
}
