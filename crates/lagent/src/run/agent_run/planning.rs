//! The three stages of `ReWOO`: the plan is read or asked for again, its steps are worked through one after the other,
//! and the solver is asked.

use internlm_model::chat::Message;

use super::super::{Command, FailReason};
use super::AgentRun;
use crate::protocol::{CallOutcome, Ended, ErrorMode, Evidence, Protocol, Stage};

impl AgentRun {
    /// Says whether the next reply is a plan.
    pub(super) fn is_planning(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.stage == Stage::Planning)
    }

    /// Takes the planner's reply. After the last turn without a plan, upstream asks the solver without results.
    pub(super) fn planned(&mut self, content: &str) -> Vec<Command> {
        let message = Message::assistant(content);
        self.history.push(message.clone());
        let mut commands = vec![Command::emit(message)];
        let (Protocol::Rewoo(protocol), Some(plan)) = (&self.spec.protocol, self.plan.as_mut()) else {
            return commands;
        };
        match protocol.read_plan(content, &self.spec.tools) {
            Ok(steps) => {
                plan.steps = steps;
                plan.stage = Stage::Working;
            }
            Err(problem) => {
                self.used.parse_errors += 1;
                plan.problem = Some(problem);
                if self.used.turns < self.spec.max_turn() {
                    commands.push(self.ask());
                    return commands;
                }
                plan.stage = Stage::Working;
            }
        }
        commands.extend(self.work());
        commands
    }

    /// Takes the result of the current step once it is there.
    pub(super) fn worked(&mut self) -> Vec<Command> {
        if self.take_evidence() { self.work() } else { Vec::new() }
    }

    /// Appends the result of the current step to the evidence. Returns false while the call is open.
    fn take_evidence(&mut self) -> bool {
        let ended = self.ended().and_then(|ended| ended.first().copied());
        let Some(Ended { text, outcome, .. }) = ended else { return false };
        let evidence = Evidence { text: text.to_owned(), outcome };
        if let Some(plan) = self.plan.as_mut() {
            plan.evidence.push(evidence);
        }
        true
    }

    /// Makes the next calls of the plan until one has to be waited for, or asks the solver after the last one.
    fn work(&mut self) -> Vec<Command> {
        loop {
            let (Protocol::Rewoo(protocol), Some(plan)) = (&self.spec.protocol, self.plan.as_mut()) else {
                return Vec::new();
            };
            match protocol.next_call(plan) {
                Some(Ok(request)) => {
                    let commands = self.begin(vec![Ok(request)]);
                    if !self.take_evidence() {
                        return commands;
                    }
                }
                // Upstream ends with an exception here.
                Some(Err(problem)) if protocol.errors == ErrorMode::Compat => {
                    return vec![self.fail(FailReason::Unparsable { problem })];
                }
                Some(Err(problem)) => {
                    plan.evidence.push(Evidence { text: problem, outcome: CallOutcome::Error });
                }
                None => {
                    plan.stage = Stage::Solving;
                    let log = Message::system(protocol.log(plan));
                    self.history.push(log.clone());
                    return vec![Command::emit(log), self.ask()];
                }
            }
        }
    }
}
