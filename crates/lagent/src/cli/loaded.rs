//! What an agent file or a team file describes, ready to be asked.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_kit::config::{parse_unchecked, parse_with};
use internlm_kit::file;
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::Result;
use crate::action::Toolbox;
use crate::config::{AgentConfig, QuestionsConfig};
use crate::hook::{HookConfig, Hooks};
use crate::llm::EndpointConfig;
use crate::memory::MemoryConfig;
use crate::run::{AgentRun, Machine};
use crate::team::{LoadedTeam, MemberSource, TeamConfig, TeamRun};
use crate::transcript::Secrets;

/// Name of the agent without a file in messages.
const NO_FILE: &str = "the options";

/// An agent or a team with everything that it acts on.
pub(super) struct Loaded {
    /// The state before the first question.
    pub(super) machine: Machine,
    pub(super) tools: Toolbox,
    pub(super) model: EndpointConfig,
    pub(super) hooks: Hooks,
    pub(super) memory: MemoryConfig,
    /// What must not be written into transcripts.
    pub(super) secrets: Secrets,
    /// The questions of an agent file; teams have none.
    pub(super) questions: Option<QuestionsConfig>,
    pub(super) resolved: Resolved,
}

/// The file after all overrides.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Resolved {
    Agent(Box<AgentConfig>),
    Team(Box<TeamConfig>),
}

impl Loaded {
    /// Loads an agent file or a team file, or takes an agent with default settings and the overrides.
    pub(super) fn open(path: Option<&Path>, overrides: &[String]) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::agent(parse_with("", NO_FILE, overrides)?)?) };
        // A file that cannot be read is reported by the reader of agent files.
        if file::read_to_string(path).is_ok_and(|text| is_team(&text)) {
            return Self::team(path, overrides);
        }
        Ok(Self::agent(AgentConfig::load_with(path, overrides)?)?)
    }

    fn agent(config: AgentConfig) -> Result<Self> {
        let tools = config.toolbox()?;
        let mut secrets = Found::default();
        secrets.agent(&config);
        secrets.model(&config.model)?;
        Ok(Self {
            machine: AgentRun::new(config.spec(&tools)).into(),
            tools,
            model: config.model.clone(),
            hooks: config.build_hooks()?,
            memory: config.memory.clone(),
            secrets: Secrets::new(secrets.texts),
            questions: config.questions.clone(),
            resolved: Resolved::Agent(Box::new(config)),
        })
    }

    fn team(path: &Path, overrides: &[String]) -> anyhow::Result<Self> {
        let LoadedTeam { spec, tools, model, hooks, memory, .. } = LoadedTeam::open(path, overrides)?;
        let config = TeamConfig::load_with(path, overrides)?;
        let mut secrets = Found::default();
        secrets.team(&config, path)?;
        secrets.model(&model)?;
        let machine = TeamRun::new(spec)?.into();
        let (secrets, resolved) = (Secrets::new(secrets.texts), Resolved::Team(Box::new(config)));
        Ok(Self { machine, tools, model, hooks, memory, secrets, questions: None, resolved })
    }

    /// Says whether several agents work on a question.
    pub(super) fn is_team(&self) -> bool {
        matches!(self.machine, Machine::Team(_))
    }
}

/// Whether a file has the table of a team. A file that cannot be parsed is left to the reader of agent files.
fn is_team(text: &str) -> bool {
    let keys: Result<BTreeMap<String, IgnoredAny>, _> = parse_unchecked(text, "", &[""; 0]);
    keys.is_ok_and(|keys| keys.contains_key("team"))
}

/// The secrets that files name.
#[derive(Default)]
struct Found {
    texts: Vec<String>,
}

impl Found {
    fn model(&mut self, config: &EndpointConfig) -> Result<()> {
        if let Some(path) = &config.api_key_file {
            self.texts.push(file::read_to_string(path)?);
        }
        Ok(())
    }

    fn agent(&mut self, config: &AgentConfig) {
        // A key that cannot be read is reported by the tool that needs it.
        self.texts.extend(config.services.values().filter_map(|service| service.key().ok().flatten()));
        self.hooks(&config.hooks);
    }

    fn hooks(&mut self, hooks: &[HookConfig]) {
        for hook in hooks {
            // A file that cannot be read is reported by the hook.
            if let HookConfig::Redaction(config) = hook
                && let Ok(text) = file::read_to_string(&config.path)
            {
                self.texts.extend(text.lines().map(str::to_owned));
            }
        }
    }

    fn team(&mut self, config: &TeamConfig, path: &Path) -> Result<()> {
        let folder = path.parent().unwrap_or(Path::new(""));
        self.hooks(&config.hooks);
        for member in &config.member {
            match (&member.agent, &member.team) {
                (Some(MemberSource::Inline(agent)), _) => self.agent(agent),
                (Some(MemberSource::File(file)), _) => self.agent(&AgentConfig::load(folder.join(file))?),
                (None, Some(file)) => {
                    let file = folder.join(file);
                    self.team(&TeamConfig::load(&file)?, &file)?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_is_told_by_its_table() {
        assert!(is_team("[team]\nkind = \"sequential\"") && is_team("team = { kind = \"sequential\" }"));
        assert!(!is_team("tools = []\n# [team]") && !is_team("[team"));
    }

    #[test]
    fn the_secrets_of_a_file_are_found() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("writes");
            path.display().to_string()
        };
        let (key, secrets) = (write("key", "sk-1\n"), write("secrets", "one\n\ntwo\n"));
        let text = format!(
            "[services.TextToImage]\nkey-file = \"{key}\"\n[[hooks]]\nkind = \"redaction\"\npath = \"{secrets}\"\n"
        );
        let config: AgentConfig = parse_with(&text, "a.toml", &[""; 0]).expect("is valid");
        let mut found = Found::default();
        found.agent(&config);
        found.model(&config.model).expect("names no file");
        assert_eq!(found.texts, ["sk-1", "one", "", "two"]);
    }
}
