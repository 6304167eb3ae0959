//! `AgentRun`: takes events and returns commands.
//!
//! Everything that touches the world (HTTP, tools, people, time) is done by a driver, which turns each
//! outcome into the next event. That makes a run testable, recordable and resumable.

use internlm_model::chat::{Channel, Message};
use serde::{Deserialize, Serialize};

use super::phase::{CallState, PendingCall};
use super::{
    Approval, Command, Counters, Event, FailReason, Limits, ModelOutcome, Phase, Sampling, ToolOutcome,
};
use crate::Result;
use crate::action::ToolSpec;
use crate::protocol::{CallRequest, Malformed, Parsed, Protocol, Turn};

/// The definition of an agent: everything that stays the same during a run.
///
/// ```
/// use lagent::run::{AgentSpec, Approval, Limits};
///
/// let mut limits = Limits::default();
/// limits.max_turn = 8;
/// let agent = AgentSpec::internlm2(Vec::new()).with_limits(limits).with_approval(Approval::Always);
/// assert_eq!(agent.limits.max_turn, 8);
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentSpec {
    /// How tools and calls are written for the model.
    pub protocol: Protocol,
    /// Definitions of the tools that the agent may call.
    pub tools: Vec<ToolSpec>,
    /// Limits that apply to each question separately.
    pub limits: Limits,
    /// Sampling settings of every model request.
    pub params: Sampling,
    /// Calls that wait for a person's approval.
    pub approval: Approval,
}

/// The state of one conversation with an agent.
///
/// [`AgentRun::step`] is a pure function of the state and the event: the same events give the same commands,
/// byte for byte. The state can be saved between any two events and loaded in another process.
///
/// ```
/// use lagent::Message;
/// use lagent::run::{AgentRun, AgentSpec, Command, Event, ModelOutcome};
///
/// let mut run = AgentRun::new(AgentSpec::internlm2(Vec::new()));
/// let asked = run.step(Event::Start { messages: vec![Message::user("Hello")] });
/// let [Command::AskModel { id, .. }] = asked[..] else { panic!("it asks the model") };
/// let mut run = AgentRun::load(&run.save())?; // perhaps in another process
/// let reply = ModelOutcome::text("Hi!");
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
    /// Number of corrections since the last call that was understood.
    corrections: u32,
    last_id: u64,
    best: Option<String>,
}

impl AgentSpec {
    /// Creates an agent with default limits, greedy decoding and no approvals.
    #[must_use]
    pub fn new(protocol: Protocol, tools: Vec<ToolSpec>) -> Self {
        let (limits, params) = (Limits::default(), Sampling::default());
        Self { protocol, tools, limits, params, approval: Approval::Never }
    }

    /// Creates an agent that uses InternLM2's plugin protocol with its default settings.
    #[must_use]
    pub fn internlm2(tools: Vec<ToolSpec>) -> Self {
        Self::new(Protocol::InternLm2(Default::default()), tools)
    }

    /// Replaces the limits of each question.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Replaces the sampling settings of the model requests.
    #[must_use]
    pub fn with_sampling(self, params: Sampling) -> Self {
        Self { params, ..self }
    }

    /// Replaces the rule that says which calls wait for a person.
    #[must_use]
    pub fn with_approval(self, approval: Approval) -> Self {
        Self { approval, ..self }
    }
}

impl AgentRun {
    /// Creates a run with an empty conversation, waiting for [`Event::Start`].
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

    /// Serializes the whole state as one line of JSON.
    ///
    /// # Panics
    /// Never: every part of the state has a JSON form.
    #[must_use]
    pub fn save(&self) -> String {
        serde_json::to_string(self).expect("every part of the state has a JSON form")
    }

    /// Restores a run from the text of [`AgentRun::save`].
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) when the text is not a saved run.
    pub fn load(text: &str) -> Result<Self> {
        Ok(serde_json::from_str(text)?)
    }

    /// Returns the conversation so far. The protocol's system messages are added per request and are not
    /// part of it.
    #[must_use]
    pub fn history(&self) -> &[Message] {
        &self.history
    }

    /// Returns what the run is waiting for.
    #[must_use]
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Returns what has been used of the limits since the last [`Event::Start`].
    #[must_use]
    pub fn used(&self) -> &Counters {
        &self.used
    }

    /// Takes one event and returns the commands that follow from it.
    ///
    /// An event that the run is not waiting for, such as the result of a cancelled call, changes nothing and
    /// returns no commands.
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

    /// Begins a question. Limits apply per question, so the counters start again.
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
        let mut params = spec.params.clone();
        params.stop.extend(spec.protocol.stop());
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

    /// Starts the calls of a reply. A call that cannot start gets its answer at once, without a tool.
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
            // Neither the calls above the limit nor the others of the same reply are made: half a reply's calls
            // would leave the conversation without the other half's results.
            self.used.tool_calls = calls_before;
            commands.truncate(1);
            commands.push(self.fail(FailReason::Limit { limit: "tool-calls".to_owned() }));
            return commands;
        }
        self.phase = Phase::Calling { calls: pending };
        commands.extend(self.after_calls());
        commands
    }

    /// Opens one call that was understood: checks that the tool exists, that the arguments fit and whether a
    /// person has to approve it.
    fn open(&mut self, request: CallRequest) -> (PendingCall, Option<Command>) {
        self.used.tool_calls += 1;
        let AgentSpec { protocol, tools, .. } = &self.spec;
        let (name, arguments, problem) = match protocol.tool(tools, &request.name) {
            None => {
                let problem = protocol.unknown_tool(tools, &request);
                (request.name, request.arguments, Some(problem))
            }
            Some(tool) => {
                let arguments = tool.arguments(request.arguments);
                let problem = tool.argument_error(&arguments);
                (tool.name.clone(), arguments, problem)
            }
        };
        let state = match problem {
            Some(text) => CallState::Done { text },
            None if self.spec.approval.covers(&name) => CallState::Undecided,
            None => CallState::Running,
        };
        let mut call = self.pending(request.channel, name, state);
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

    /// Finds the call with this id if it is in this state.
    fn waiting(&mut self, id: u64, state: &CallState) -> Option<&mut PendingCall> {
        let Phase::Calling { calls } = &mut self.phase else { return None };
        calls.iter_mut().find(|call| call.id == id && call.state == *state)
    }

    /// Once every call is done, appends the results in the order of the calls and asks the model again.
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
