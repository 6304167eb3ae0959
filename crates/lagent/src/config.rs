//! The TOML file of an agent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use internlm_kit::config::{Validate, load_with};
use internlm_kit::sandbox::SandboxConfig;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::action::{Service, ToolSettings, Toolbox, available};
use crate::hook::{HookConfig, Hooks};
use crate::llm::EndpointConfig;
use crate::mcp::{McpConfig, McpServers};
use crate::memory::MemoryConfig;
use crate::openapi::{OpenApi, OpenApiConfig};
use crate::protocol::{Constraint, Protocol};
use crate::run::{AgentSpec, Approval, Limits, Sampling};

/// An agent file. Unknown keys are errors.
///
/// ```
/// let text = r#"
/// tools = ["Calculator"]
/// [protocol]
/// kind = "react"
/// [limits]
/// max-turn = 6
/// "#;
/// let config: lagent::config::AgentConfig = internlm_kit::config::parse(text, "agent.toml")?;
/// let tools = config.toolbox()?;
/// assert_eq!(config.spec(&tools).max_turn(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct AgentConfig {
    /// Names of built-in tools. Default: none.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Calls that need approval: `"never"`, `"always"` or `{ tools = [..] }`. Default: calls of tools that run
    /// commands, such as `shell`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Folder of the files that tools read and write. Default: `tool-files` in the current folder.
    #[serde(default = "folder")]
    pub folder: PathBuf,
    /// Whether the server is asked to make malformed calls impossible: `"off"` or `"calls"`. Default: `"off"`.
    #[serde(default)]
    pub constrain: Constraint,
    /// How tools and calls are written for the model: `kind = "internlm2"`, `"react"`, `"rewoo"`, `"autogpt"`,
    /// `"mathcoder"` or `"plain"`. Default: `internlm2`.
    #[serde(default = "internlm2")]
    pub protocol: Protocol,
    /// Where the model's server is. Default: port 23333 on this machine.
    #[serde(default)]
    pub model: EndpointConfig,
    /// Sampling settings of the model requests. Default: greedy decoding.
    #[serde(default)]
    pub sampling: Sampling,
    /// Limits that apply to each question separately.
    #[serde(default)]
    pub limits: Limits,
    /// Sandbox level and limits of the code that tools run.
    #[serde(default)]
    pub sandbox: SandboxConfig,
    /// Services by the name of the tool that uses them. Default: none.
    #[serde(default)]
    pub services: BTreeMap<String, Service>,
    /// MCP servers by the name in front of their tools. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mcp: BTreeMap<String, McpConfig>,
    /// Services whose operations become tools, named `NAME.operation`. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub openapi: BTreeMap<String, OpenApiConfig>,
    /// Hooks around questions and calls, in their order. Default: none.
    #[serde(default)]
    pub hooks: Vec<HookConfig>,
    /// What the agent remembers of earlier questions, and where it is kept.
    #[serde(default)]
    pub memory: MemoryConfig,
    /// The questions of `lagent run`. `lagent chat` ignores them.
    pub questions: Option<QuestionsConfig>,
}

/// The `[questions]` table: a file of questions and the folder of the results.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct QuestionsConfig {
    /// File of JSON lines, or one JSON list, of `{"id", "question", "answer"}`. Other keys are ignored.
    pub path: PathBuf,
    /// Folder of the transcripts, the predictions and the summary.
    pub out: PathBuf,
    /// Maximum number of questions, taken from the start of the file. Default: all.
    pub limit: Option<usize>,
    /// Number of questions asked at the same time. Default: 4. The results do not depend on it.
    #[serde(default = "four")]
    pub concurrency: usize,
}

fn internlm2() -> Protocol {
    Protocol::InternLm2(Default::default())
}

fn four() -> usize {
    4
}

fn folder() -> PathBuf {
    ToolSettings::default().folder
}

impl AgentConfig {
    /// Loads an agent file and checks every value.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config), which lists all problems at once.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, &[""; 0])
    }

    /// Loads an agent file after applying overrides of the form `key.path=value`.
    ///
    /// # Errors
    /// The same as [`AgentConfig::load`].
    pub fn load_with(path: impl AsRef<Path>, overrides: &[impl AsRef<str>]) -> Result<Self> {
        Ok(load_with(path, overrides)?)
    }

    /// Returns what the agent's tools may use.
    #[must_use]
    pub fn tool_settings(&self) -> ToolSettings {
        ToolSettings {
            sandbox: self.sandbox.clone(),
            folder: self.folder.clone(),
            services: self.services.clone(),
        }
    }

    /// Creates the agent's hooks.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) when a file that a hook reads is missing.
    pub fn build_hooks(&self) -> Result<Hooks> {
        Hooks::from_configs(&self.hooks)
    }

    /// Creates the agent's tools.
    ///
    /// # Errors
    /// [`Error::ToolUnavailable`](crate::Error::ToolUnavailable) when a tool lacks a program here;
    /// [`Error::Sandbox`](crate::Error::Sandbox) when the requested sandbox level does not work here;
    /// [`Error::Mcp`](crate::Error::Mcp) and [`Error::OpenApi`](crate::Error::OpenApi) when an MCP server or a
    /// described service cannot be used.
    pub fn toolbox(&self) -> Result<Toolbox> {
        let mut tools = Toolbox::with_tools(&self.tools, &self.tool_settings())?;
        for (name, service) in &self.openapi {
            for tool in OpenApi::actions(name, service, &self.tool_settings())? {
                tools.add(tool);
            }
        }
        if let Some((name, reason)) = tools.first_unavailable() {
            return Err(crate::Error::ToolUnavailable { name, reason });
        }
        McpServers::connect(&self.mcp)?.refresh(&mut tools);
        Ok(tools)
    }

    /// Creates the definition of the agent with the enabled tools of `tools`.
    #[must_use]
    pub fn spec(&self, tools: &Toolbox) -> AgentSpec {
        AgentSpec::new(self.protocol.clone(), tools.specs())
            .with_limits(self.limits.clone())
            .with_sampling(self.sampling.clone())
            .with_approval(self.approval.clone().unwrap_or_else(|| asked_by(tools)))
            .with_constraint(self.constrain)
    }
}

/// What needs approval when the agent file does not say it.
fn asked_by(tools: &Toolbox) -> Approval {
    let names = tools.approvals();
    if names.is_empty() { Approval::Never } else { Approval::Tools(names.into_iter().collect()) }
}

impl Validate for AgentConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let known = available();
        for tool in self.tools.iter().filter(|tool| !known.contains(&tool.as_str())) {
            problems.push(format!("tools: found `{tool}`, expected one of {}", known.join(", ")));
        }
        for tool in self.services.keys().filter(|tool| !known.contains(&tool.as_str())) {
            problems.push(format!("services: found `{tool}`, expected one of {}", known.join(", ")));
        }
        let interpreter = self.protocol.interpreter();
        if let Some(name) = interpreter.filter(|name| !self.tools.iter().any(|tool| tool == name)) {
            problems.push(format!("protocol.interpreter: found `{name}`, expected one of `tools`"));
        }
        for (name, server) in &self.mcp {
            problems.extend(server.problems().into_iter().map(|problem| format!("mcp.{name}: {problem}")));
        }
        problems.extend(self.openapi.iter().flat_map(|(name, service)| service.problems(name)));
        problems.extend(self.memory.problems());
        problems.extend(self.limits.problems());
        problems.extend(sampling_problems(&self.sampling));
        if self.questions.as_ref().is_some_and(|questions| questions.concurrency == 0) {
            problems.push("questions.concurrency: found 0, expected at least 1".to_owned());
        }
        problems.extend(self.sandbox.problems().into_iter().map(|problem| format!("sandbox.{problem}")));
        problems
    }
}

fn sampling_problems(sampling: &Sampling) -> Vec<String> {
    let mut problems = Vec::new();
    if sampling.max_tokens == 0 {
        problems.push("sampling.max-tokens: found 0, expected at least 1".to_owned());
    }
    if !(0.0..=2.0).contains(&sampling.temperature) {
        let found = sampling.temperature;
        problems.push(format!("sampling.temperature: found {found}, expected 0 to 2"));
    }
    if !(sampling.top_p > 0.0 && sampling.top_p <= 1.0) {
        let found = sampling.top_p;
        problems.push(format!("sampling.top-p: found {found}, expected above 0, at most 1"));
    }
    if sampling.stop.iter().any(String::is_empty) {
        problems.push("sampling.stop: found an empty text, expected texts that end a reply".to_owned());
    }
    problems
}

#[cfg(test)]
mod tests {
    use internlm_kit::config::parse;

    use super::*;

    #[test]
    fn tools_that_run_commands_are_approved_unless_the_file_says_otherwise() {
        let spec = |text: &str| {
            let config: AgentConfig = parse(text, "agent.toml").expect("is valid");
            config.spec(&config.toolbox().expect("needs nothing"))
        };
        let named = Approval::Tools(["shell".to_owned()].into());
        assert_eq!(spec("tools = [\"shell\", \"Calculator\"]").approval, named);
        assert_eq!(spec("tools = [\"shell\"]\napproval = \"never\"").approval, Approval::Never);
        assert_eq!(spec("tools = [\"Calculator\"]").approval, Approval::Never);
    }

    #[test]
    fn services_reach_the_tools_and_unknown_ones_are_named() {
        let text = "tools = [\"TextToImage\"]\nfolder = \"out\"\n\
                    [services.TextToImage]\nendpoint = \"http://127.0.0.1:9/v1\"\nkey-variable = \"KEY\"\n\
                    [services.TextToImage.extra]\nmodel = \"m\"";
        let config: AgentConfig = parse(text, "agent.toml").expect("is valid");
        assert_eq!(config.toolbox().expect("is configured").specs().len(), 1);
        assert_eq!(config.tool_settings().services["TextToImage"].text("model"), Some("m"));
        assert_eq!(config.tool_settings().folder, Path::new("out"));
        let error = parse::<AgentConfig>("[services.Nothing]\n[limits]\nmoney = -1.0", "agent.toml");
        let error = error.expect_err("two problems").to_string();
        assert!(error.contains("services: found `Nothing`, expected one of Calculator"), "{error}");
        assert!(error.contains("limits.money: found -1, expected a number of at least 0"), "{error}");
        let missing = parse::<AgentConfig>("tools = [\"VQA\"]", "agent.toml").expect("is valid").toolbox();
        let message = missing.expect_err("is not configured").to_string();
        assert_eq!(message, "tool `VQA`: unavailable: needs an endpoint services.VQA");
    }
}
