//! [`Agents`]: the named agents of a server.

use std::sync::Arc;

use lmdeploy::Error as ApiError;

use super::any_model::AnyModel;
use crate::action::Toolbox;
use crate::client::AgentInfo;
use crate::hook::Hooks;
use crate::llm::LanguageModel;
use crate::run::Machine;
use crate::{Error, Result};

/// One agent of a server: what every new conversation begins with, and what it acts on.
///
/// ```
/// use lagent::action::Toolbox;
/// use lagent::llm::Scripted;
/// use lagent::run::{AgentRun, AgentSpec};
/// use lagent::serve::{Agents, ServedAgent};
///
/// let run = AgentRun::new(AgentSpec::internlm2(Vec::new()));
/// let agent = ServedAgent::new("greeter", run, Scripted::new(["Hello!"]), Toolbox::default());
/// assert_eq!(Agents::new([agent])?.names(), ["greeter"]);
/// # Ok::<(), lagent::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServedAgent {
    pub(super) name: String,
    /// The state before the first question.
    pub(super) machine: Machine,
    pub(super) model: AnyModel,
    pub(super) tools: Toolbox,
    pub(super) hooks: Hooks,
    /// Number of messages that a new question begins with; absent if the agent remembers everything.
    pub(super) recent: Option<usize>,
}

impl ServedAgent {
    /// Creates an agent whose conversations begin in the state `machine`.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        machine: impl Into<Machine>,
        model: impl LanguageModel + 'static,
        tools: Toolbox,
    ) -> Self {
        let (name, machine, model) = (name.into(), machine.into(), AnyModel::new(model));
        Self { name, machine, model, tools, hooks: Hooks::default(), recent: None }
    }

    /// Adds hooks, which act on all conversations with the agent.
    #[must_use]
    pub fn with_hooks(self, hooks: &Hooks) -> Self {
        Self { hooks: hooks.clone(), ..self }
    }

    /// Limits what the agent remembers of a conversation to the last `messages` before a new question. By default it
    /// remembers everything.
    #[must_use]
    pub fn with_recent(self, messages: usize) -> Self {
        Self { recent: Some(messages), ..self }
    }

    /// What the server lists about the agent.
    pub(super) fn info(&self) -> AgentInfo {
        AgentInfo {
            id: self.name.clone(),
            object: "agent".to_owned(),
            model: self.model.name().to_owned(),
            tools: self.tools.specs(),
            sandbox: self.tools.sandbox_level(),
        }
    }
}

/// The agents of a server. Requests that name no agent are answered by the first one. Clones share them.
#[derive(Clone, Debug)]
pub struct Agents {
    list: Arc<[Arc<ServedAgent>]>,
}

impl Agents {
    /// Creates the list, the default agent first.
    ///
    /// # Errors
    /// [`Error::AgentServer`] without an agent, for a name that a path cannot hold, and for two agents of one name.
    pub fn new(agents: impl IntoIterator<Item = ServedAgent>) -> Result<Self> {
        let list: Arc<[Arc<ServedAgent>]> = agents.into_iter().map(Arc::new).collect();
        let wrong = |found: String, expected: &str| {
            let (key, expected) = ("agents".to_owned(), expected.to_owned());
            Err(Error::AgentServer(ApiError::Setting { key, found, expected }))
        };
        if list.is_empty() {
            return wrong("nothing".to_owned(), "at least one agent");
        }
        for (index, agent) in list.iter().enumerate() {
            if matches!(agent.name.as_str(), "" | "." | "..") {
                return wrong(format!("the name `{}`", agent.name), "a name that a URL can hold");
            }
            if list.iter().take(index).any(|earlier| earlier.name == agent.name) {
                return wrong(format!("`{}` twice", agent.name), "agents of different names");
            }
        }
        Ok(Self { list })
    }

    /// Returns the names of the agents, the default agent first.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.list.iter().map(|agent| agent.name.as_str()).collect()
    }

    /// All agents in the order of the server.
    pub(super) fn all(&self) -> &[Arc<ServedAgent>] {
        &self.list
    }

    /// The agent of this name, or the first one for no name.
    pub(super) fn find(&self, name: Option<&str>) -> Option<&Arc<ServedAgent>> {
        match name {
            None => self.list.first(),
            Some(name) => self.list.iter().find(|agent| agent.name == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::Scripted;
    use crate::run::{AgentRun, AgentSpec};

    fn agent(name: &str) -> ServedAgent {
        let run = AgentRun::new(AgentSpec::internlm2(Vec::new()));
        ServedAgent::new(name, run, Scripted::default(), Toolbox::default())
    }

    #[test]
    fn names_are_there_once() {
        let agents = Agents::new([agent("a"), agent("b")]).expect("two agents");
        let found = |name| agents.find(name).map(|agent| agent.name.as_str());
        assert_eq!((found(None), found(Some("b")), found(Some("c"))), (Some("a"), Some("b"), None));
        for (list, message) in [
            (vec![], "agents: found nothing, expected at least one agent"),
            (vec![agent("a"), agent("a")], "agents: found `a` twice, expected agents of different names"),
            (vec![agent("..")], "agents: found the name `..`, expected a name that a URL can hold"),
        ] {
            let error = Agents::new(list).expect_err(message).to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
