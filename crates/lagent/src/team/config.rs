//! The TOML file of a team.

use std::path::{Path, PathBuf};

use internlm_kit::config::{Validate, load_with};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::kind::TeamKind;
use crate::Result;
use crate::config::AgentConfig;
use crate::hook::HookConfig;
use crate::memory::MemoryConfig;
use crate::run::Limits;

/// A team file. Unknown keys are errors.
///
/// ```
/// let text = r#"
/// [team]
/// kind = "lead"
/// lead = "solver"
/// [[member]]
/// name = "solver"
/// agent = { tools = ["Calculator"] }
/// [[member]]
/// name = "critic"
/// description = "Finds mistakes."
/// agent = "critic.toml"
/// "#;
/// let team: lagent::team::TeamConfig = toml::from_str(text)?;
/// assert_eq!(team.member.len(), 2);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct TeamConfig {
    /// How the members work together.
    pub team: TeamKind,
    /// Limits of each question for all members together. Default: no limits besides the depth of calls.
    #[serde(default)]
    pub limits: Limits,
    /// Hooks around the team's questions and the calls of all members, in their order. Default: none.
    #[serde(default)]
    pub hooks: Vec<HookConfig>,
    /// What the team remembers of earlier questions, and where it is kept.
    #[serde(default)]
    pub memory: MemoryConfig,
    /// The members in order.
    pub member: Vec<MemberConfig>,
}

/// One member in a team file. It has either an agent or a team.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MemberConfig {
    /// Name of the member. Default in a list: its index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One sentence for other members about what this one is for. Default: empty.
    #[serde(default)]
    pub description: String,
    /// Names of the members that this one may call as tools. Default: none; the lead of a team may call all.
    #[serde(default)]
    pub calls: Vec<String>,
    /// The agent: a path, relative to the team file, or the content of an agent file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<MemberSource>,
    /// Path of another team file, relative to this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<PathBuf>,
}

/// Where a member's agent is defined.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum MemberSource {
    /// In a file of its own.
    File(PathBuf),
    /// In the team file itself.
    Inline(Box<AgentConfig>),
}

/// Written by hand, because derived untagged enums hide which key is wrong.
impl<'de> Deserialize<'de> for MemberSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Source;

        impl<'de> Visitor<'de> for Source {
            type Value = MemberSource;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("the path of an agent file, or a table with its content")
            }

            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<MemberSource, E> {
                if path.is_empty() {
                    return Err(E::custom("found an empty path, expected the path of an agent file"));
                }
                Ok(MemberSource::File(PathBuf::from(path)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MemberSource, A::Error> {
                let agent = AgentConfig::deserialize(MapAccessDeserializer::new(map))?;
                Ok(MemberSource::Inline(Box::new(agent)))
            }
        }

        deserializer.deserialize_any(Source)
    }
}

impl TeamConfig {
    /// Loads a team file, without the files of its members.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config), which lists all problems at once.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, &[""; 0])
    }

    /// Loads a team file after applying overrides of the form `key.path=value`.
    ///
    /// # Errors
    /// The same as [`TeamConfig::load`].
    pub fn load_with(path: impl AsRef<Path>, overrides: &[impl AsRef<str>]) -> Result<Self> {
        Ok(load_with(path, overrides)?)
    }
}

impl MemberConfig {
    /// Returns the member's name: the given one, or its index in the file.
    #[must_use]
    pub fn name(&self, index: usize) -> String {
        self.name.clone().unwrap_or_else(|| index.to_string())
    }
}

impl Validate for TeamConfig {
    /// The problems that show without the files of the members. Opening the team finds the others.
    fn problems(&self) -> Vec<String> {
        let mut problems = self.memory.problems();
        let is_list = matches!(self.team, TeamKind::List(_));
        for (index, member) in self.member.iter().enumerate() {
            if member.name.is_none() && !is_list {
                problems.push(format!("member[{index}].name: not found, expected a name"));
            }
            match (&member.agent, &member.team) {
                (Some(_), None) | (None, Some(_)) => {}
                (None, None) => {
                    problems.push(format!(
                        "member[{index}]: found neither `agent` nor `team`, expected one of them"
                    ));
                }
                (Some(_), Some(_)) => {
                    problems.push(format!("member[{index}]: found `agent` and `team`, expected one of them"));
                }
            }
            if let Some(MemberSource::Inline(agent)) = &member.agent {
                let found = agent.problems();
                problems.extend(found.into_iter().map(|problem| format!("member[{index}].agent.{problem}")));
            }
        }
        problems
    }
}
