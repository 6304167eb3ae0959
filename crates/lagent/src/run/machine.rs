//! `Machine`: the state machine of one agent, or of a team of agents, behind one set of methods.

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};

use super::{AgentRun, Command, Counters, Event, MachinePhase, Phase};
use crate::Result;
use crate::team::TeamRun;

/// Something that takes events and returns commands. Drivers accept every kind.
///
/// A step is a pure function of the state and the event.
pub trait Step {
    /// Takes one event and returns the commands that follow from it; nothing for an event that is not awaited.
    fn step(&mut self, event: Event) -> Vec<Command>;
}

/// The state of one agent or one team. Transcripts and saved sessions contain it.
///
/// ```
/// use lagent::run::{AgentRun, AgentSpec, Machine, MachinePhase};
///
/// let machine = Machine::from(AgentRun::new(AgentSpec::internlm2(Vec::new())));
/// let again = Machine::load(&machine.save())?;
/// assert_eq!((again.phase(), again), (MachinePhase::Ready, machine));
/// # Ok::<(), lagent::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "machine", rename_all = "kebab-case")]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "machines are few and long-lived")]
pub enum Machine {
    /// One agent that works alone.
    Agent(AgentRun),
    /// Several machines that work on one question.
    Team(TeamRun),
}

impl Machine {
    /// Takes one event and returns the commands that follow from it; nothing for an event that is not awaited.
    pub fn step(&mut self, event: Event) -> Vec<Command> {
        match self {
            Self::Agent(run) => run.step(event),
            Self::Team(run) => run.step(event),
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

    /// Restores a machine from the text of [`Machine::save`].
    ///
    /// # Errors
    /// [`Error::State`](crate::Error::State) when the text is not a saved machine.
    pub fn load(text: &str) -> Result<Self> {
        Ok(serde_json::from_str(text)?)
    }

    /// Returns what has been used of the limits since the last [`Event::Start`], by all members together.
    #[must_use]
    pub fn used(&self) -> &Counters {
        match self {
            Self::Agent(run) => run.used(),
            Self::Team(run) => run.used(),
        }
    }

    /// Returns the conversation as the person who asks sees it, without the protocol's system messages.
    #[must_use]
    pub fn history(&self) -> Vec<Message> {
        match self {
            Self::Agent(run) => run.history().to_vec(),
            Self::Team(run) => run.history(),
        }
    }

    /// Returns what the machine waits for.
    #[must_use]
    pub fn phase(&self) -> MachinePhase {
        match self {
            Self::Agent(run) => match run.phase() {
                Phase::Ready => MachinePhase::Ready,
                Phase::Failed => MachinePhase::Failed,
                Phase::Asking { .. } | Phase::Calling { .. } => MachinePhase::Busy,
            },
            Self::Team(run) => run.phase(),
        }
    }
}

impl Step for Machine {
    fn step(&mut self, event: Event) -> Vec<Command> {
        Self::step(self, event)
    }
}

impl Step for AgentRun {
    fn step(&mut self, event: Event) -> Vec<Command> {
        Self::step(self, event)
    }
}

impl Step for TeamRun {
    fn step(&mut self, event: Event) -> Vec<Command> {
        Self::step(self, event)
    }
}

impl From<AgentRun> for Machine {
    fn from(run: AgentRun) -> Self {
        Self::Agent(run)
    }
}

impl From<TeamRun> for Machine {
    fn from(run: TeamRun) -> Self {
        Self::Team(run)
    }
}
