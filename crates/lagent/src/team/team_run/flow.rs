//! What follows from the commands of members: until nothing is left to do inside of the team.

use std::collections::VecDeque;

use internlm_model::chat::{Message, Role};

use super::TeamRun;
use super::routes::command_id;
use super::seat::{Assigned, Job};
use crate::action::{ActionReturn, ActionState};
use crate::run::{Command, Event, FailReason, Finish, ToolOutcome};
use crate::team::on_failure::OnFailure;
use crate::team::plan::{Next, Outcome};
use crate::team::routing::{Members, next};

/// Events for members that they have not taken yet, and the commands of the team so far.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) inbox: VecDeque<(usize, Event)>,
    pub(super) commands: Vec<Command>,
}

impl Flow {
    /// Begins with one event of a member.
    pub(super) fn of(member: usize, event: Event) -> Self {
        Self { inbox: VecDeque::from([(member, event)]), commands: Vec::new() }
    }
}

impl TeamRun {
    /// Gives members their events and asks the plan, until only the world can continue.
    pub(super) fn run(&mut self, mut flow: Flow) -> Vec<Command> {
        loop {
            while let Some((member, event)) = flow.inbox.pop_front() {
                if let Some(end) = self.take_event(member, event, &mut flow) {
                    flow.commands.push(end);
                    return flow.commands;
                }
            }
            let members = Members { names: &self.names, descriptions: &self.descriptions };
            match next(&self.kind, members, &self.plan) {
                Next::Start(assignments) => {
                    for assignment in assignments {
                        self.plan.open.push(assignment.member);
                        let work = Assigned { job: Job::of_plan(), messages: assignment.messages };
                        self.assign(assignment.member, work, &mut flow);
                    }
                }
                Next::Wait => return flow.commands,
                Next::Finish(message, finish) => {
                    let end = self.finish(message, finish);
                    flow.commands.push(end);
                    return flow.commands;
                }
                Next::Fail(reason) => {
                    let end = self.fail(reason);
                    flow.commands.push(end);
                    return flow.commands;
                }
            }
        }
    }

    /// Gives a member work, now or after what it has.
    pub(super) fn assign(&mut self, member: usize, work: Assigned, flow: &mut Flow) {
        if let Some(start) = self.seats.get_mut(member).and_then(|seat| seat.assign(work)) {
            flow.inbox.push_back((member, start));
        }
    }

    /// Steps a member and handles its commands. Returns the command that ends the question, if one does.
    fn take_event(&mut self, member: usize, event: Event, flow: &mut Flow) -> Option<Command> {
        let (commands, used) = self.seats.get_mut(member)?.step(event);
        self.used.add(&used);
        if let Some(handover) = self.handover(member, &commands) {
            return self.hand_over(handover, commands, flow);
        }
        commands.into_iter().find_map(|command| self.take(member, command, flow))
    }

    /// Handles one command of a member. Returns the command that ends the question, if one does.
    pub(super) fn take(&mut self, member: usize, command: Command, flow: &mut Flow) -> Option<Command> {
        match command {
            Command::AskModel { .. } => {
                if let Some(limit) = self.limits.reached(&self.used) {
                    return Some(self.fail(FailReason::Limit { limit: limit.to_owned() }));
                }
                self.used.turns += 1;
                self.send(member, command, flow);
                None
            }
            Command::CallTool { .. } => self.take_call(member, command, flow),
            Command::Emit { message, agent } => {
                self.note_best(&message);
                let agent = self.path(member, agent);
                flow.commands.push(Command::Emit { message, agent });
                None
            }
            Command::Finish { message, finish } => {
                self.member_answered(member, (message, finish), flow);
                None
            }
            Command::Fail { reason, best } => self.member_failed(member, (reason, best), flow),
            other => {
                self.send(member, other, flow);
                None
            }
        }
    }

    /// Passes a command on under an id of the team.
    pub(super) fn send(&mut self, member: usize, mut command: Command, flow: &mut Flow) {
        if let Some(id) = command_id(&mut command) {
            *id = self.routes.id(member, *id);
        }
        flow.commands.push(command);
    }

    /// The path of the member that a message belongs to.
    fn path(&self, member: usize, inner: Option<String>) -> Option<String> {
        let name = &self.seats.get(member)?.name;
        Some(inner.map_or_else(|| name.clone(), |inner| format!("{name}.{inner}")))
    }

    fn note_best(&mut self, message: &Message) {
        if message.role == Role::Assistant && !message.text().trim().is_empty() {
            self.best = Some(message.text().to_owned());
        }
    }

    fn member_answered(&mut self, member: usize, answer: (Message, Finish), flow: &mut Flow) {
        let (message, finish) = answer;
        self.note_best(&message);
        let Some(job) = self.release(member, flow) else { return };
        match job.caller {
            None => {
                self.plan.close(member);
                self.plan.outcomes.push(Outcome { member, answer: Some(message), finish });
            }
            Some(caller) => {
                let value = ActionReturn::text(self.name(member), caller.args, message.text());
                flow.inbox.push_back((caller.member, result(caller.call, value)));
            }
        }
    }

    fn member_failed(
        &mut self,
        member: usize,
        failure: (FailReason, Option<String>),
        flow: &mut Flow,
    ) -> Option<Command> {
        let (reason, best) = failure;
        self.best = best.or_else(|| self.best.take());
        let job = self.release(member, flow)?;
        match job.caller {
            None if self.kind.on_failure() == OnFailure::Fail => return Some(self.fail(reason)),
            None => {
                self.plan.close(member);
                self.plan.outcomes.push(Outcome { member, answer: None, finish: Finish::Stop });
                self.plan.failure = Some(reason);
            }
            Some(caller) => {
                let name = self.name(member);
                let message = format!("{name} gave no answer: {reason}");
                let value = ActionReturn::error(name, caller.args, ActionState::ApiError, message);
                flow.inbox.push_back((caller.member, result(caller.call, value)));
            }
        }
        None
    }

    /// Ends a member's work and lets it begin what waits next.
    pub(super) fn release(&mut self, member: usize, flow: &mut Flow) -> Option<Job> {
        let (job, next) = self.seats.get_mut(member)?.release()?;
        self.routes.close(member);
        flow.inbox.extend(next.map(|start| (member, start)));
        Some(job)
    }

    pub(super) fn name(&self, member: usize) -> String {
        self.seats.get(member).map(|seat| seat.name.clone()).unwrap_or_default()
    }
}

/// The result of a call that the team answers itself. Its time is counted where it was spent.
pub(super) fn result(call: u64, value: ActionReturn) -> Event {
    Event::Tool { call, outcome: ToolOutcome { value, milliseconds: 0 } }
}
