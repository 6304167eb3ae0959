//! Calls that the team answers itself: members as tools, and handing the conversation over.

use internlm_model::chat::Message;
use serde_json::Value;

use super::TeamRun;
use super::flow::{Flow, result};
use super::seat::{Assigned, Caller, Job, Seat};
use crate::action::{ActionReturn, ActionState};
use crate::run::{Command, Event, FailReason};
use crate::team::kind::TeamKind;
use crate::team::member_tools::{message, transfer_target};
use crate::team::plan::Handover;

/// The result of a call that was open when its member handed the conversation over.
const OTHER_CALL: &str = "There is no result, because the conversation is handed over.";

/// A call that hands the conversation over.
#[derive(Debug)]
pub(super) struct Transfer {
    /// The call's id in the run of the member.
    call: u64,
    handover: Handover,
}

impl TeamRun {
    /// Handles the call of a tool. Returns the command that ends the question, if one does.
    pub(super) fn take_call(&mut self, member: usize, command: Command, flow: &mut Flow) -> Option<Command> {
        if let Some(end) = self.count_call() {
            return Some(end);
        }
        let Command::CallTool { id, name, args, .. } = &command else { return None };
        let caller = || Caller { member, call: *id, args: args.clone() };
        let may_call = self.seats.get(member).is_some_and(|seat| seat.may_call(name));
        let target = self.names.iter().position(|known| known == name).filter(|_| may_call);
        if let Some(target) = target {
            return self.call_member(caller(), target, flow);
        }
        if self.transfer_target(member, name).is_some() {
            let problem = "only the member who answers the question can hand the conversation over";
            flow.inbox.push_back((member, refused(name, caller(), problem)));
            return None;
        }
        self.send(member, command, flow);
        None
    }

    /// Counts a call, whoever answers it. Returns the command that ends the question at the limit.
    fn count_call(&mut self) -> Option<Command> {
        if self.limits.tool_calls.is_some_and(|limit| self.used.tool_calls >= limit) {
            return Some(self.fail(FailReason::Limit { limit: "tool-calls".to_owned() }));
        }
        self.used.tool_calls += 1;
        None
    }

    /// Gives a member the message of a call. Two members that would wait for each other are refused.
    fn call_member(&mut self, caller: Caller, target: usize, flow: &mut Flow) -> Option<Command> {
        let seat = self.seats.get(caller.member)?;
        let depth = seat.job().map_or(0, |job| job.depth) + 1;
        if depth > self.limits.depth {
            return Some(self.fail(FailReason::Limit { limit: "depth".to_owned() }));
        }
        if self.waits_for(target, caller.member) {
            let name = self.name(target);
            let problem = format!("{name} is waiting for your answer, so it cannot be asked now");
            flow.inbox.push_back((caller.member, refused(&name, caller, &problem)));
            return None;
        }
        let messages = vec![Message::user(message(&caller.args))];
        self.assign(target, Assigned { job: Job { caller: Some(caller), depth }, messages }, flow);
        None
    }

    /// Whether a member cannot end before another one has answered its calls, directly or through others.
    fn waits_for(&self, member: usize, other: usize) -> bool {
        let mut waiting = vec![member];
        let mut at = 0;
        while let Some(now) = waiting.get(at).copied() {
            if now == other {
                return true;
            }
            for (index, seat) in self.seats.iter().enumerate() {
                if !waiting.contains(&index) && seat.callers().any(|caller| caller == now) {
                    waiting.push(index);
                }
            }
            at += 1;
        }
        false
    }

    /// The index of the member that a tool of another member hands the conversation over to.
    fn transfer_target(&self, member: usize, tool: &str) -> Option<usize> {
        let is_agent = self.seats.get(member).is_some_and(Seat::is_agent);
        if !is_agent || !matches!(self.kind, TeamKind::Handoff(_)) {
            return None;
        }
        let name = transfer_target(tool)?;
        self.names.iter().position(|known| known == name)
    }

    /// The first call among a member's commands that hands the conversation over, if the member has it.
    pub(super) fn handover(&self, member: usize, commands: &[Command]) -> Option<Transfer> {
        let has_conversation = self.seats.get(member)?.job()?.caller.is_none();
        commands.iter().filter(|_| has_conversation).find_map(|command| {
            let Command::CallTool { id, name, args, .. } = command else { return None };
            let to = self.transfer_target(member, name).filter(|to| *to != member)?;
            let handover = Handover { from: member, to, message: message(args) };
            Some(Transfer { call: *id, handover })
        })
    }

    /// Ends a member's turn in favor of another one. The other calls of the same reply are not made.
    pub(super) fn hand_over(
        &mut self,
        transfer: Transfer,
        commands: Vec<Command>,
        flow: &mut Flow,
    ) -> Option<Command> {
        let Transfer { call, handover } = transfer;
        let member = handover.from;
        let emitted: Vec<Command> =
            commands.iter().filter(|command| matches!(command, Command::Emit { .. })).cloned().collect();
        for command in emitted {
            self.take(member, command, flow);
        }
        if let Some(end) = self.count_call() {
            return Some(end);
        }
        let TeamKind::Handoff(config) = &self.kind else { return None };
        if self.plan.handovers.len() >= config.max {
            return Some(self.fail(FailReason::Limit { limit: "handovers".to_owned() }));
        }
        self.end_turn(member, (call, &commands), flow);
        self.plan.close(member);
        self.plan.handovers.push(handover);
        None
    }

    /// Answers every open call of a member and cancels what it would do next.
    fn end_turn(&mut self, member: usize, reply: (u64, &[Command]), flow: &mut Flow) {
        let (transfer, commands) = reply;
        let mut open = self.routes.locals(member);
        open.extend(commands.iter().filter_map(|command| match command {
            Command::CallTool { id, .. } | Command::AskHuman { call: id, .. } => Some(*id),
            _ => None,
        }));
        let mut emitted = Vec::new();
        if let Some(seat) = self.seats.get_mut(member) {
            for call in open {
                let text = if call == transfer { "The conversation is handed over." } else { OTHER_CALL };
                // A call is either running or undecided, and ignores the event that does not fit.
                let value = ActionReturn::text("transfer", Value::Null, text);
                emitted.extend(seat.step(result(call, value)).0);
                emitted.extend(seat.step(Event::Deny { call, reason: text.to_owned() }).0);
            }
            seat.step(Event::Cancel);
        }
        for command in emitted.into_iter().filter(|command| matches!(command, Command::Emit { .. })) {
            self.take(member, command, flow);
        }
        self.release(member, flow);
    }
}

/// The result of a call that a rule of the team forbids.
fn refused(name: &str, caller: Caller, problem: &str) -> Event {
    result(caller.call, ActionReturn::error(name, caller.args, ActionState::ApiError, problem))
}
