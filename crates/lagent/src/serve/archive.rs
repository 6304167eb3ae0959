//! [`Archive`]: what sessions have said, and the states of their agents when they survive a restart.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use internlm_kit::hash;
use internlm_model::chat::Message;

use super::agents::ServedAgent;
use super::failure::Failure;
use crate::Result;
use crate::memory::{InProcess, Memory, MemoryError, Reset, Sqlite, Store};
use crate::message::AgentMessage;
use crate::run::Machine;

/// Path of the outermost agent, which every session has.
const AGENT: &str = "";
/// Path under which the state of the agent is kept as one message. No member has it, so `/memory` does not show it.
const MACHINE: &str = ":machine";

/// The memories of all sessions. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Archive {
    store: Arc<dyn Store>,
    place: Place,
}

/// Where the memories are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// They end with the process or with their session, so states need not be written.
    Process,
    /// They are in a database, whose calls block.
    Database,
}

impl Archive {
    /// Opens a database, or memories that end with the process.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let place = if path.is_some() { Place::Database } else { Place::Process };
        let store: Arc<dyn Store> = match path {
            Some(path) => Arc::new(Sqlite::open(path)?),
            None => Arc::new(InProcess::default()),
        };
        Ok(Self { store, place })
    }

    /// Whether sessions are still there when they are not loaded.
    pub(super) fn is_lasting(&self) -> bool {
        self.place == Place::Database
    }

    /// The state of a session that is not loaded; nothing for a new one. Status 409 when it began with another
    /// definition of the agent than `machine`: its tools and limits would silently stay the old ones.
    pub(super) async fn load(&self, session: &str, machine: &Machine) -> Result<Option<Machine>, Failure> {
        if self.place == Place::Process {
            return Ok(None);
        }
        let saved = self.call(session, |archive, session| archive.store.read(session, MACHINE)).await?;
        let Some(saved) = saved.and_then(|messages| messages.into_iter().next()) else { return Ok(None) };
        if saved.kind != Some(definition(machine)) {
            let message = "the session began with another definition of the agent; delete it, or serve the \
                           new definition under another name";
            return Err(Failure::new(409, message));
        }
        let broken = |error| Failure::new(500, format!("the session cannot be continued: {error}"));
        Machine::load(&saved.text()).map(Some).map_err(broken)
    }

    /// Replaces what is known of a session by the state after a question.
    pub(super) async fn save(
        &self,
        session: &str,
        agent: &ServedAgent,
        machine: &Machine,
    ) -> Result<(), Failure> {
        let mut memories: Vec<(String, Vec<AgentMessage>)> = histories(machine)
            .into_iter()
            .map(|(path, history)| {
                let sender = if path == AGENT { &agent.name } else { &path };
                let messages = messages(sender, &history);
                (path, messages)
            })
            .collect();
        if self.place == Place::Database {
            let mut saved = AgentMessage::new(&agent.name, machine.save());
            saved.kind = Some(definition(&agent.machine));
            memories.push((MACHINE.to_owned(), vec![saved]));
        }
        self.call(session, move |archive, session| archive.store.replace(session, &memories)).await
    }

    /// The messages of a session by path of the agent and its members; nothing for an unknown session.
    pub(super) async fn state(
        &self,
        session: &str,
        machine: &Machine,
    ) -> Result<Option<BTreeMap<String, Vec<AgentMessage>>>, Failure> {
        let memory = self.memory(machine);
        self.call(session, move |_, session| {
            let is_known = memory.contains(session)?;
            is_known.then(|| memory.state_dict(session)).transpose()
        })
        .await
    }

    /// Removes a session and says whether there was one.
    pub(super) async fn forget(&self, session: &str, machine: &Machine) -> Result<bool, Failure> {
        let memory = self.memory(machine);
        self.call(session, move |archive, session| {
            let was_known = memory.contains(session)?;
            memory.reset(session, &Reset::Recursive)?;
            archive.store.remove(session, &[MACHINE])?;
            Ok(was_known)
        })
        .await
    }

    /// The memories of an agent and its members.
    fn memory(&self, machine: &Machine) -> Memory {
        Memory::new(histories(machine).into_keys()).with_store(Arc::clone(&self.store))
    }

    /// Calls the store, on a thread for work that blocks where it may.
    async fn call<T: Send + 'static>(
        &self,
        session: &str,
        work: impl FnOnce(&Self, &str) -> Result<T, MemoryError> + Send + 'static,
    ) -> Result<T, Failure> {
        let failed = |error: String| Failure::new(500, format!("the memory of the session: {error}"));
        let result = match self.place {
            Place::Process => work(self, session),
            Place::Database => {
                let (archive, session) = (self.clone(), session.to_owned());
                let thread = tokio::task::spawn_blocking(move || work(&archive, &session));
                thread.await.map_err(|error| failed(error.to_string()))?
            }
        };
        result.map_err(|error| failed(error.to_string()))
    }
}

/// The hash of what an agent is before its first question.
fn definition(machine: &Machine) -> String {
    hash::sha256(machine.save())
}

/// The conversations of an agent and its members by path.
fn histories(machine: &Machine) -> BTreeMap<String, Vec<Message>> {
    match machine {
        Machine::Team(team) => team.histories(),
        agent => BTreeMap::from([(AGENT.to_owned(), agent.history())]),
    }
}

/// A conversation in lagent's form, in which the agent's own messages have its name.
fn messages(agent: &str, history: &[Message]) -> Vec<AgentMessage> {
    let messages = history.iter().map(|message| {
        let mut message = AgentMessage::from(message);
        if message.sender == "assistant" {
            agent.clone_into(&mut message.sender);
        }
        message
    });
    messages.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Toolbox;
    use crate::llm::Scripted;
    use crate::run::{AgentRun, AgentSpec, Event, Limits, ModelOutcome};

    fn agent(spec: AgentSpec) -> ServedAgent {
        ServedAgent::new("greeter", AgentRun::new(spec), Scripted::default(), Toolbox::default())
    }

    fn answered(agent: &ServedAgent) -> Machine {
        let mut machine = agent.machine.clone();
        machine.step(Event::Start { messages: vec![Message::user("Hi")] });
        machine.step(Event::Model { request: 1, outcome: ModelOutcome::text("Hello!") });
        machine
    }

    #[tokio::test]
    async fn a_session_in_a_database_can_be_continued() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("sessions.db");
        let agent = agent(AgentSpec::internlm2(Vec::new()));
        let machine = answered(&agent);
        let archive = Archive::open(Some(&path)).expect("opens");
        archive.save("s", &agent, &machine).await.expect("saves");
        drop(archive);
        let archive = Archive::open(Some(&path)).expect("opens again");
        assert_eq!(archive.load("s", &agent.machine).await, Ok(Some(machine)));
        let state = archive.state("s", &agent.machine).await.expect("reads").expect("is known");
        let senders: Vec<_> = state["memory"].iter().map(|message| message.sender.as_str()).collect();
        assert_eq!((state.len(), senders), (1, vec!["user", "greeter"]));
        assert_eq!(archive.forget("s", &agent.machine).await, Ok(true));
        assert_eq!(archive.load("s", &agent.machine).await, Ok(None));
        assert_eq!(archive.forget("s", &agent.machine).await, Ok(false));
        assert_eq!(archive.state("s", &agent.machine).await, Ok(None));
    }

    #[tokio::test]
    async fn a_session_of_another_definition_is_not_continued() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let archive = Archive::open(Some(&folder.path().join("sessions.db"))).expect("opens");
        let old = agent(AgentSpec::internlm2(Vec::new()));
        archive.save("s", &old, &answered(&old)).await.expect("saves");
        let limits = Limits { tool_calls: Some(1), ..Limits::default() };
        let new = agent(AgentSpec::internlm2(Vec::new()).with_limits(limits));
        let refused = archive.load("s", &new.machine).await.expect_err("another definition");
        assert_eq!(refused.status, 409);
    }

    #[tokio::test]
    async fn a_session_in_memory_is_shown() {
        let archive = Archive::open(None).expect("opens");
        let agent = agent(AgentSpec::internlm2(Vec::new()));
        archive.save("s", &agent, &answered(&agent)).await.expect("saves");
        let state = archive.state("s", &agent.machine).await.expect("reads");
        assert_eq!(state.map(|state| state["memory"].len()), Some(2));
        assert_eq!((archive.load("s", &agent.machine).await, archive.is_lasting()), (Ok(None), false));
    }
}
