//! The calls of a reply: checked, approved, made and told to the model.

use internlm_model::chat::{Channel, Message};
use serde_json::Value;

use super::super::phase::{CallState, PendingCall};
use super::super::{Command, FailReason, Phase, ToolOutcome};
use super::AgentRun;
use crate::action::ActionState;
use crate::protocol::{CallOutcome, CallRequest, Ended, ErrorMode, Malformed};

impl AgentRun {
    /// Starts the calls of a reply. A call that cannot start gets its answer at once, without a tool.
    pub(super) fn calls(
        &mut self,
        message: Message,
        calls: Vec<Result<CallRequest, Malformed>>,
    ) -> Vec<Command> {
        let mut commands = vec![Command::emit(message)];
        let problem = calls.iter().find_map(|call| call.as_ref().err()).map(|call| call.problem.clone());
        let malformed = calls.iter().filter(|call| call.is_err()).count();
        self.used.parse_errors += u32::try_from(malformed).unwrap_or(u32::MAX);
        self.corrections = if problem.is_some() { self.corrections + 1 } else { 0 };
        // By the letter only the turns are counted.
        if let Some(problem) = problem
            && self.corrections > self.spec.limits.corrections
            && self.spec.protocol.errors() == ErrorMode::Fixed
        {
            commands.push(self.fail(FailReason::Unparsable { problem }));
            return commands;
        }
        commands.extend(self.begin(calls));
        commands.extend(self.after_calls());
        commands
    }

    /// Opens calls. Those that cannot be made are done at once.
    pub(super) fn begin(&mut self, calls: Vec<Result<CallRequest, Malformed>>) -> Vec<Command> {
        let calls_before = self.used.tool_calls;
        let mut commands = Vec::new();
        let mut pending = Vec::new();
        for call in calls {
            let (call, command) = match call {
                Ok(request) => self.open(request),
                Err(Malformed { channel, problem }) => {
                    let text = self.spec.protocol.correction(&problem);
                    (self.pending(channel, String::new(), failed(text)), None)
                }
            };
            pending.push(call);
            commands.extend(command);
        }
        let limit = self.spec.limits.tool_calls;
        if limit.is_some_and(|limit| self.used.tool_calls > limit) {
            // Neither the calls above the limit nor the others of the same reply are made: half a reply's calls
            // would leave the conversation without the other half's results.
            self.used.tool_calls = calls_before;
            return vec![self.fail(FailReason::Limit { limit: "tool-calls".to_owned() })];
        }
        self.phase = Phase::Calling { calls: pending };
        commands
    }

    /// Opens one call that was understood: checks that the tool exists, that the arguments fit and whether a
    /// person has to approve it.
    fn open(&mut self, request: CallRequest) -> (PendingCall, Option<Command>) {
        self.used.tool_calls += 1;
        let channel = request.channel;
        let resolved = self.spec.protocol.resolve(&self.spec.tools, request);
        let state = match resolved.problem {
            Some(text) => failed(text),
            None if self.spec.approval.covers(&resolved.name) => CallState::Undecided,
            None => CallState::Running,
        };
        let mut call = self.pending(channel, resolved.name, state);
        call.args = resolved.arguments;
        let command = match call.state {
            CallState::Undecided => {
                Some(Command::AskHuman { call: call.id, name: call.name.clone(), args: call.args.clone() })
            }
            CallState::Running => Some(self.call_tool(&call)),
            CallState::Done { .. } => None,
        };
        (call, command)
    }

    fn pending(&mut self, channel: Channel, name: String, state: CallState) -> PendingCall {
        PendingCall { id: self.next_id(), channel, name, args: Value::Null, state }
    }

    fn call_tool(&self, call: &PendingCall) -> Command {
        Command::CallTool {
            id: call.id,
            name: call.name.clone(),
            args: call.args.clone(),
            deadline: self.spec.limits.tool_milliseconds,
        }
    }

    pub(super) fn tool(&mut self, id: u64, outcome: ToolOutcome) -> Vec<Command> {
        let ToolOutcome { value, milliseconds } = outcome;
        let is_result = value.state == ActionState::Success && value.errmsg.is_none();
        let outcome = if is_result { CallOutcome::Result } else { CallOutcome::Error };
        let text = self.spec.protocol.text_of(value);
        let Some(call) = self.waiting(id, &CallState::Running) else { return Vec::new() };
        call.state = CallState::Done { text, outcome };
        self.used.milliseconds = self.used.milliseconds.saturating_add(milliseconds);
        self.after_calls()
    }

    pub(super) fn approve(&mut self, id: u64) -> Vec<Command> {
        let Some(call) = self.waiting(id, &CallState::Undecided) else { return Vec::new() };
        call.state = CallState::Running;
        let call = call.clone();
        vec![self.call_tool(&call)]
    }

    pub(super) fn deny(&mut self, id: u64, reason: &str) -> Vec<Command> {
        let Some(call) = self.waiting(id, &CallState::Undecided) else { return Vec::new() };
        call.state = failed(format!("The call was refused: {reason}"));
        self.after_calls()
    }

    /// Finds the call with this id if it is in this state.
    fn waiting(&mut self, id: u64, state: &CallState) -> Option<&mut PendingCall> {
        let Phase::Calling { calls } = &mut self.phase else { return None };
        calls.iter_mut().find(|call| call.id == id && call.state == *state)
    }

    /// The ends of all calls; `None` while one of them is open.
    pub(super) fn ended(&self) -> Option<Vec<Ended<'_>>> {
        let Phase::Calling { calls } = &self.phase else { return None };
        calls.iter().map(ended).collect()
    }

    /// Once every call is done, appends the results in the order of the calls and asks the model again.
    fn after_calls(&mut self) -> Vec<Command> {
        if self.plan.is_some() {
            return self.worked();
        }
        let Some(ended) = self.ended() else { return Vec::new() };
        let messages: Vec<Message> =
            ended.into_iter().map(|ended| self.spec.protocol.result(ended)).collect();
        self.history.extend(messages.iter().cloned());
        let mut commands: Vec<Command> = messages.into_iter().map(Command::emit).collect();
        commands.push(self.ask());
        commands
    }
}

/// The state of a call that gave an error or was never made.
fn failed(text: String) -> CallState {
    CallState::Done { text, outcome: CallOutcome::Error }
}

/// The end of a call; `None` while it is open.
fn ended(call: &PendingCall) -> Option<Ended<'_>> {
    match &call.state {
        CallState::Done { text, outcome } => {
            Some(Ended { channel: call.channel, name: &call.name, text, outcome: *outcome })
        }
        CallState::Undecided | CallState::Running => None,
    }
}
