//! `AgentRun`: takes events and returns commands.
//!
//! Everything that touches the world (HTTP, tools, people, time) is done by a driver, which turns each
//! outcome into the next event. That makes a run testable, recordable and resumable.

mod calls;
mod planning;

use internlm_model::chat::{Message, Role};
use serde::{Deserialize, Serialize};

use super::{AgentSpec, Command, Counters, Event, FailReason, Finish, ModelOutcome, Phase};
use crate::Result;
use crate::protocol::{Constraint, Parsed, Plan, Protocol, Scene, Stage, Turn};

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
    /// Index in the history of the question that is being answered.
    #[serde(default)]
    question: usize,
    /// The plan of `ReWOO`; absent for the other protocols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
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
            question: 0,
            plan: None,
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

    /// Returns the definition of the agent.
    #[must_use]
    pub fn spec(&self) -> &AgentSpec {
        &self.spec
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
        let begin = self.history.len();
        let question = messages.iter().rposition(|message| message.role == Role::User);
        self.question = begin + question.unwrap_or(messages.len().saturating_sub(1));
        self.history.extend(messages);
        self.used = Counters::default();
        self.corrections = 0;
        self.best = None;
        self.plan = matches!(self.spec.protocol, Protocol::Rewoo(_)).then(Plan::default);
        vec![self.ask()]
    }

    fn ask(&mut self) -> Command {
        if let Some(limit) = self.reached() {
            return self.out_of(limit);
        }
        let spec = &self.spec;
        let turn = if self.used.turns + 1 == spec.max_turn() { Turn::Last } else { Turn::Inner };
        let scene = Scene {
            tools: &spec.tools,
            history: &self.history,
            question: self.question,
            turn,
            plan: self.plan.as_ref(),
        };
        let (messages, tools) = spec.protocol.prompt(&scene);
        let grammar = match spec.constrain {
            Constraint::Off => None,
            Constraint::Calls => spec.protocol.grammar(&scene),
        };
        let mut params = spec.params.clone();
        params.stop.extend(spec.protocol.stop());
        self.used.turns += 1;
        let id = self.next_id();
        self.phase = Phase::Asking { request: id };
        Command::AskModel { id, messages, tools, params, grammar }
    }

    /// Returns the key of the limit that forbids another request. The solver's request is not one of the turns.
    fn reached(&self) -> Option<&'static str> {
        let is_solving = self.plan.as_ref().is_some_and(|plan| plan.stage == Stage::Solving);
        if !is_solving && self.used.turns >= self.spec.max_turn() {
            return Some("max-turn");
        }
        self.spec.limits.reached_besides_turns(&self.used)
    }

    /// Ends the question at a limit: with a reason, or with upstream's sentence where that is asked for.
    fn out_of(&mut self, limit: &str) -> Command {
        match self.spec.protocol.last_resort().filter(|_| limit == "max-turn") {
            Some(sentence) => self.finish(sentence, Finish::Stop),
            None => self.fail(FailReason::Limit { limit: limit.to_owned() }),
        }
    }

    fn model(&mut self, outcome: ModelOutcome) -> Vec<Command> {
        match outcome {
            ModelOutcome::Failed { kind, message, milliseconds } => {
                self.used.milliseconds = self.used.milliseconds.saturating_add(milliseconds);
                vec![self.fail(FailReason::Model { kind, message })]
            }
            ModelOutcome::Reply { content, calls, finish, input_tokens, output_tokens, milliseconds } => {
                let used = &mut self.used;
                used.input_tokens = used.input_tokens.saturating_add(input_tokens);
                used.output_tokens = used.output_tokens.saturating_add(output_tokens);
                used.milliseconds = used.milliseconds.saturating_add(milliseconds);
                if self.is_planning() {
                    return self.planned(&content);
                }
                let (message, parsed) = self.spec.protocol.parse(&content, &calls);
                if !message.text().trim().is_empty() {
                    self.best = Some(message.text().to_owned());
                }
                match parsed {
                    Parsed::Answer(answer) => {
                        self.history.push(message);
                        vec![self.finish(&answer, finish)]
                    }
                    Parsed::Calls(calls) => {
                        self.history.push(message.clone());
                        self.calls(message, calls)
                    }
                    Parsed::Dropped => {
                        self.used.parse_errors += 1;
                        vec![self.ask()]
                    }
                }
            }
        }
    }

    fn finish(&mut self, answer: &str, finish: Finish) -> Command {
        self.phase = Phase::Ready;
        Command::Finish { message: Message::assistant(answer), finish }
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
