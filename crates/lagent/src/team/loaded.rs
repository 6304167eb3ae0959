//! `LoadedTeam`: a team file with the files of its members, ready to run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use internlm_kit::config::ConfigError;

use super::config::{MemberConfig, MemberSource, TeamConfig};
use super::spec::{MemberSpec, TeamSpec};
use crate::Result;
use crate::action::{ToolSettings, Toolbox};
use crate::config::AgentConfig;
use crate::hook::{HookConfig, Hooks};
use crate::llm::EndpointConfig;
use crate::memory::MemoryConfig;

/// Maximum number of team files inside each other, which also ends a file that contains itself.
const MAX_DEPTH: usize = 8;

/// Everything that a team file describes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoadedTeam {
    /// The definition of the team, without problems.
    pub spec: TeamSpec,
    /// The tools of all members.
    pub tools: Toolbox,
    /// The model's server, which is the same for all members.
    pub model: EndpointConfig,
    /// The hooks of the team file.
    pub hooks: Hooks,
    /// The settings of the team's memory.
    pub memory: MemoryConfig,
}

/// What the members of a team file have in common, as far as it is read.
#[derive(Default)]
struct Shared {
    tools: Toolbox,
    /// What each tool may use.
    settings: BTreeMap<String, ToolSettings>,
    /// The model's server, with the member that names it.
    model: Option<(String, EndpointConfig)>,
    problems: Vec<String>,
}

impl LoadedTeam {
    /// Loads a team file, the files of its members, and creates their tools.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config), which lists all problems of a file at once; the same as
    /// [`AgentConfig::toolbox`] and [`Hooks::from_configs`].
    pub fn open(path: impl AsRef<Path>, overrides: &[impl AsRef<str>]) -> Result<Self> {
        let path = path.as_ref();
        let config = TeamConfig::load_with(path, overrides)?;
        let mut shared = Shared::default();
        let spec = shared.team(&config, path, 1)?;
        let mut problems = std::mem::take(&mut shared.problems);
        if problems.is_empty() {
            problems = spec.problems();
        }
        match shared.model {
            Some((_, model)) if problems.is_empty() => {
                let hooks = Hooks::from_configs(&config.hooks)?;
                Ok(Self { spec, tools: shared.tools, model, hooks, memory: config.memory })
            }
            _ => {
                if problems.is_empty() {
                    problems.push("member: found no agent, expected at least one".to_owned());
                }
                Err(ConfigError::Invalid { path: path.to_path_buf(), problems }.into())
            }
        }
    }
}

impl Shared {
    fn team(&mut self, config: &TeamConfig, path: &Path, depth: usize) -> Result<TeamSpec> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut members = Vec::new();
        for (index, member) in config.member.iter().enumerate() {
            members.extend(self.member((index, member), folder, depth)?);
        }
        Ok(TeamSpec::new(config.team.clone(), members).with_limits(config.limits.clone()))
    }

    fn member(
        &mut self,
        member: (usize, &MemberConfig),
        folder: &Path,
        depth: usize,
    ) -> Result<Option<MemberSpec>> {
        let (index, member) = member;
        let name = member.name(index);
        let spec = match (&member.agent, &member.team) {
            (Some(MemberSource::Inline(agent)), _) => self.agent(name, agent)?,
            (Some(MemberSource::File(file)), _) => {
                self.agent(name, &AgentConfig::load(folder.join(file))?)?
            }
            (None, Some(_)) if depth == MAX_DEPTH => {
                self.problems.push(format!(
                    "member {name}: team: found more than {MAX_DEPTH} team files inside each other, expected fewer"
                ));
                return Ok(None);
            }
            (None, Some(file)) => {
                let file: PathBuf = folder.join(file);
                let config = TeamConfig::load(&file)?;
                self.only_outermost(&name, (&config.hooks, &config.memory));
                MemberSpec::team(name, self.team(&config, &file, depth + 1)?)
            }
            // Refused when the file was loaded.
            (None, None) => return Ok(None),
        };
        Ok(Some(spec.with_description(&member.description).with_calls(member.calls.iter().cloned())))
    }

    fn agent(&mut self, name: String, config: &AgentConfig) -> Result<MemberSpec> {
        let (mut tools, settings) = (config.toolbox()?, config.tool_settings());
        let agent = config.spec(&tools);
        for tool in &agent.tools {
            if *self.settings.entry(tool.name.clone()).or_insert_with(|| settings.clone()) != settings {
                self.problems.push(format!(
                    "member {name}: found other `sandbox`, `folder` or `services` for {} than another member has, expected the same",
                    tool.name
                ));
            }
            if let Some(action) = tools.delete(&tool.name) {
                self.tools.add(action);
            }
        }
        self.only_outermost(&name, (&config.hooks, &config.memory));
        match &self.model {
            Some((other, model)) if *model != config.model => self.problems.push(format!(
                "member {name}: model: found another server than that of {other}, expected the same for all"
            )),
            Some(_) => {}
            None => self.model = Some((name.clone(), config.model.clone())),
        }
        if config.questions.is_some() {
            self.problems.push(format!("member {name}: questions: found in a team, expected no questions"));
        }
        Ok(MemberSpec::agent(name, agent))
    }

    /// Hooks and memories belong to the conversation, which is that of the outermost team.
    fn only_outermost(&mut self, name: &str, settings: (&[HookConfig], &MemoryConfig)) {
        let (hooks, memory) = settings;
        if !hooks.is_empty() {
            self.problems.push(format!("member {name}: hooks: found in a member, expected in the team file"));
        }
        if *memory != MemoryConfig::default() {
            self.problems
                .push(format!("member {name}: memory: found in a member, expected in the team file"));
        }
    }
}
