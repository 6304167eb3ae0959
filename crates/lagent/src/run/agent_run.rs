//! `AgentRun`: events in, commands out.

use internlm_model::chat::{Channel, Message};
use serde::{Deserialize, Serialize};

use super::phase::{CallState, PendingCall};
use super::{
    Approval, Command, Counters, Event, FailReason, Limits, ModelOutcome, Phase, Sampling, ToolOutcome,
};
use crate::Result;
use crate::action::ToolSpec;
use crate::protocol::{CallRequest, Malformed, Parsed, Protocol, Turn};

/// Lagent's words for a tool that does not exist (`InvalidAction`).
const INVALID_ACTION: &str = "The action is invalid, please check the action name.";

/// What an agent is: everything that does not change during a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AgentSpec {
    /// How it talks to the model.
    pub protocol: Protocol,
    /// The tools it may call.
    pub tools: Vec<ToolSpec>,
    /// Limits of each question.
    pub limits: Limits,
    /// Settings of the model requests.
    pub params: Sampling,
    /// Which calls a person has to approve.
    pub approval: Approval,
}

/// One run of an agent. [`AgentRun::step`] is a pure function of the state and the event: same events, same
/// commands, byte for byte; the state can be saved between any two events and go on elsewhere.
///
/// ```
/// use internlm_model::chat::Message;
/// use lagent::run::{AgentRun, AgentSpec, Command, Event, Finish, ModelOutcome};
///
/// let mut run = AgentRun::new(AgentSpec::internlm2(Vec::new()));
/// let asked = run.step(Event::Start { messages: vec![Message::user("Hello")] });
/// let [Command::AskModel { id, .. }] = asked[..] else { panic!("it asks the model") };
/// let mut run = AgentRun::load(&run.save())?; // perhaps in another process
/// let reply = ModelOutcome::Reply {
///     content: "Hi!".into(),
///     calls: Vec::new(),
///     finish: Finish::Stop,
///     input_tokens: 9,
///     output_tokens: 3,
///     milliseconds: 12,
/// };
/// let done = run.step(Event::Model { request: id, outcome: reply });
/// assert!(matches!(&done[..], [Command::Finish { message, .. }] if message.text() == "Hi!"));
/// # Ok::<(), lagent::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AgentRun {
    spec: AgentSpec,
    history: Vec<Message>,
    phase: Phase,
    used: Counters,
    /// Corrections since the last call that was understood.
    corrections: u32,
    last_id: u64,
    best: Option<String>,
}

impl AgentSpec {
    /// The InternLM2 agent with default settings.
    #[must_use]
    pub fn internlm2(tools: Vec<ToolSpec>) -> Self {
        Self {
            protocol: Protocol::InternLm2(Default::default()),
            tools,
            limits: Limits::default(),
            params: Sampling::default(),
            approval: Approval::Never,
        }
    }
}

impl AgentRun {
    /// A run that waits for [`Event::Start`].
    #[must_use]
    pub fn new(spec: AgentSpec) -> Self {
        Self {
            spec,
            history: Vec::new(),
            phase: Phase::Ready,
            used: Counters::default(),
            corrections: 0,
            last_id: 0,
            best: None,
        }
    }

    /// The whole state as one line of JSON.
    ///
    /// # Panics
    /// Never: every part of the state has a JSON form.
    #[must_use]
    pub fn save(&self) -> String {
        serde_json::to_string(self).expect("every part of the state has a JSON form")
    }

    /// A run that goes on where [`AgentRun::save`] was called.
    ///
    /// # Errors
    /// Text that is not a saved run.
    pub fn load(text: &str) -> Result<Self> {
        Ok(serde_json::from_str(text)?)
    }

    /// The conversation so far, without system messages of the protocol.
    #[must_use]
    pub fn history(&self) -> &[Message] {
        &self.history
    }

    /// Where the run stands.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// What was used of the limits since the last start.
    #[must_use]
    pub fn used(&self) -> &Counters {
        &self.used
    }

    /// Takes one event and says what has to be done now. Events that nothing waits for, such as the result
    /// of a cancelled call, change nothing.
    pub fn step(&mut self, event: Event) -> Vec<Command> {
        match event {
            Event::Start { messages } if matches!(self.phase, Phase::Ready | Phase::Failed) => {
                self.start(messages)
            }
            Event::Model { request, outcome } if self.phase == (Phase::Asking { request }) => {
                self.model(outcome)
            }
            Event::Tool { call, outcome } => self.tool(call, outcome),
            Event::Approve { call } => self.approve(call),
            Event::Deny { call, reason } => self.deny(call, &reason),
            Event::Cancel if !matches!(self.phase, Phase::Ready | Phase::Failed) => {
                vec![self.fail(FailReason::Cancelled)]
            }
            _ => Vec::new(),
        }
    }

    /// Limits hold per question.
    fn start(&mut self, messages: Vec<Message>) -> Vec<Command> {
        self.history.extend(messages);
        self.used = Counters::default();
        self.corrections = 0;
        self.best = None;
        vec![self.ask()]
    }

    fn ask(&mut self) -> Command {
        let spec = &self.spec;
        if let Some(limit) = spec.limits.reached(&self.used) {
            return self.fail(FailReason::Limit { limit: limit.to_owned() });
        }
        let turn = if self.used.turns + 1 == spec.limits.max_turn { Turn::Last } else { Turn::Inner };
        let (messages, tools) = spec.protocol.prompt(&spec.tools, &self.history, turn);
        let params = spec.params.clone();
        self.used.turns += 1;
        let id = self.next_id();
        self.phase = Phase::Asking { request: id };
        Command::AskModel { id, messages, tools, params }
    }

    fn model(&mut self, outcome: ModelOutcome) -> Vec<Command> {
        match outcome {
            ModelOutcome::Failed { kind, message, milliseconds } => {
                self.used.milliseconds += milliseconds;
                vec![self.fail(FailReason::Model { kind, message })]
            }
            ModelOutcome::Reply { content, calls, finish, input_tokens, output_tokens, milliseconds } => {
                self.used.input_tokens += input_tokens;
                self.used.output_tokens += output_tokens;
                self.used.milliseconds += milliseconds;
                let (message, parsed) = self.spec.protocol.parse(&content, &calls);
                self.history.push(message.clone());
                if !message.text().trim().is_empty() {
                    self.best = Some(message.text().to_owned());
                }
                match parsed {
                    Parsed::Answer(answer) => {
                        self.phase = Phase::Ready;
                        vec![Command::Finish { message: Message::assistant(answer), finish }]
                    }
                    Parsed::Calls(calls) => self.calls(message, calls),
                }
            }
        }
    }

    /// Starts the calls of a reply; those that cannot start are answered at once.
    fn calls(&mut self, message: Message, calls: Vec<Result<CallRequest, Malformed>>) -> Vec<Command> {
        let mut commands = vec![Command::Emit { message }];
        let problem = calls.iter().find_map(|call| call.as_ref().err()).map(|call| call.problem.clone());
        let malformed = calls.iter().filter(|call| call.is_err()).count();
        self.used.parse_errors += u32::try_from(malformed).unwrap_or(u32::MAX);
        self.corrections = if problem.is_some() { self.corrections + 1 } else { 0 };
        if let Some(problem) = problem
            && self.corrections > self.spec.limits.corrections
        {
            commands.push(self.fail(FailReason::Unparsable { problem }));
            return commands;
        }
        let calls_before = self.used.tool_calls;
        let mut pending = Vec::new();
        for call in calls {
            let (call, command) = match call {
                Ok(request) => self.open(request),
                Err(Malformed { channel, problem }) => {
                    let text = self.spec.protocol.correction(&problem);
                    (self.pending(channel, String::new(), CallState::Done { text }), None)
                }
            };
            pending.push(call);
            commands.extend(command);
        }
        let limit = self.spec.limits.tool_calls;
        if limit.is_some_and(|limit| self.used.tool_calls > limit) {
            // The calls that would exceed the limit are not made, nor the others of the same reply.
            self.used.tool_calls = calls_before;
            commands.truncate(1);
            commands.push(self.fail(FailReason::Limit { limit: "tool-calls".to_owned() }));
            return commands;
        }
        self.phase = Phase::Calling { calls: pending };
        commands.extend(self.after_calls());
        commands
    }

    /// One call that was understood: is there such a tool, do the arguments fit, may it run?
    fn open(&mut self, request: CallRequest) -> (PendingCall, Option<Command>) {
        self.used.tool_calls += 1;
        let CallRequest { channel, name, arguments } = request;
        let tool = self.spec.tools.iter().find(|tool| tool.name == name);
        let (arguments, problem) = match tool {
            None => {
                // Upstream answers with the input itself when it is a text.
                let text = arguments.as_str().unwrap_or(INVALID_ACTION).to_owned();
                (arguments, Some(text))
            }
            Some(tool) => {
                let arguments = tool.arguments(arguments);
                let problem = tool.argument_error(&arguments);
                (arguments, problem)
            }
        };
        let state = match problem {
            Some(text) => CallState::Done { text },
            None if self.spec.approval.covers(&name) => CallState::Undecided,
            None => CallState::Running,
        };
        let mut call = self.pending(channel, name, state);
        call.args = arguments;
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
        PendingCall { id: self.next_id(), channel, name, args: serde_json::Value::Null, state }
    }

    fn call_tool(&self, call: &PendingCall) -> Command {
        Command::CallTool {
            id: call.id,
            name: call.name.clone(),
            args: call.args.clone(),
            deadline: self.spec.limits.tool_milliseconds,
        }
    }

    fn tool(&mut self, id: u64, outcome: ToolOutcome) -> Vec<Command> {
        let Some(call) = self.waiting(id, &CallState::Running) else { return Vec::new() };
        call.state = CallState::Done { text: outcome.value.for_model() };
        self.used.milliseconds += outcome.milliseconds;
        self.after_calls()
    }

    fn approve(&mut self, id: u64) -> Vec<Command> {
        let Some(call) = self.waiting(id, &CallState::Undecided) else { return Vec::new() };
        call.state = CallState::Running;
        let call = call.clone();
        vec![self.call_tool(&call)]
    }

    fn deny(&mut self, id: u64, reason: &str) -> Vec<Command> {
        let Some(call) = self.waiting(id, &CallState::Undecided) else { return Vec::new() };
        call.state = CallState::Done { text: format!("The call was refused: {reason}") };
        self.after_calls()
    }

    /// The call of this id, when it is in this state.
    fn waiting(&mut self, id: u64, state: &CallState) -> Option<&mut PendingCall> {
        let Phase::Calling { calls } = &mut self.phase else { return None };
        calls.iter_mut().find(|call| call.id == id && call.state == *state)
    }

    /// When every call is done: their results join the conversation in order, and the model is asked again.
    fn after_calls(&mut self) -> Vec<Command> {
        let Phase::Calling { calls } = &self.phase else { return Vec::new() };
        let texts: Option<Vec<(Channel, &String)>> = calls
            .iter()
            .map(|call| match &call.state {
                CallState::Done { text } => Some((call.channel, text)),
                _ => None,
            })
            .collect();
        let Some(texts) = texts else { return Vec::new() };
        let protocol = &self.spec.protocol;
        let messages: Vec<Message> =
            texts.into_iter().map(|(channel, text)| protocol.result(channel, text)).collect();
        self.history.extend(messages.iter().cloned());
        let mut commands: Vec<Command> =
            messages.into_iter().map(|message| Command::Emit { message }).collect();
        commands.push(self.ask());
        commands
    }

    fn fail(&mut self, reason: FailReason) -> Command {
        self.phase = Phase::Failed;
        Command::Fail { reason, best: self.best.clone() }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}
