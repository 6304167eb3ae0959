//! The TOML file of an agent.

use std::path::{Path, PathBuf};

use internlm_kit::config::{Validate, load_with};
use internlm_kit::sandbox::SandboxConfig;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::action::{Toolbox, available};
use crate::llm::EndpointConfig;
use crate::protocol::Protocol;
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
/// assert_eq!(config.spec(&tools).limits.max_turn, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct AgentConfig {
    /// Names of built-in tools. Default: none.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Calls that need approval: `"never"`, `"always"` or `{ tools = [..] }`. Default: `"never"`.
    #[serde(default)]
    pub approval: Approval,
    /// How tools and calls are written for the model: `kind = "internlm2"` or `"react"`. Default:
    /// `internlm2`.
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

    /// Creates the agent's tools.
    ///
    /// # Errors
    /// [`Error::ToolUnavailable`](crate::Error::ToolUnavailable) when a tool lacks a program here;
    /// [`Error::Sandbox`](crate::Error::Sandbox) when the requested sandbox level does not work here.
    pub fn toolbox(&self) -> Result<Toolbox> {
        let tools = Toolbox::with_tools(&self.tools, &self.sandbox)?;
        match tools.first_unavailable() {
            None => Ok(tools),
            Some((name, reason)) => Err(crate::Error::ToolUnavailable { name, reason }),
        }
    }

    /// Creates the definition of the agent with the enabled tools of `tools`.
    #[must_use]
    pub fn spec(&self, tools: &Toolbox) -> AgentSpec {
        AgentSpec::new(self.protocol.clone(), tools.specs())
            .with_limits(self.limits.clone())
            .with_sampling(self.sampling.clone())
            .with_approval(self.approval.clone())
    }
}

impl Validate for AgentConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let known = available();
        for tool in self.tools.iter().filter(|tool| !known.contains(&tool.as_str())) {
            problems.push(format!("tools: found `{tool}`, expected one of {}", known.join(", ")));
        }
        let interpreter = match &self.protocol {
            Protocol::InternLm2(protocol) => protocol.interpreter.as_ref(),
            Protocol::React(_) => None,
        };
        if let Some(name) = interpreter.filter(|name| !self.tools.contains(name)) {
            problems.push(format!("protocol.interpreter: found `{name}`, expected one of `tools`"));
        }
        if self.limits.max_turn == 0 {
            problems.push("limits.max-turn: found 0, expected at least 1".to_owned());
        }
        if self.sampling.max_tokens == 0 {
            problems.push("sampling.max-tokens: found 0, expected at least 1".to_owned());
        }
        if !(0.0..=2.0).contains(&self.sampling.temperature) {
            let found = self.sampling.temperature;
            problems.push(format!("sampling.temperature: found {found}, expected 0 to 2"));
        }
        if !(self.sampling.top_p > 0.0 && self.sampling.top_p <= 1.0) {
            let found = self.sampling.top_p;
            problems.push(format!("sampling.top-p: found {found}, expected above 0, at most 1"));
        }
        if self.sampling.stop.iter().any(String::is_empty) {
            problems.push("sampling.stop: found an empty text, expected texts that end a reply".to_owned());
        }
        if self.questions.as_ref().is_some_and(|questions| questions.concurrency == 0) {
            problems.push("questions.concurrency: found 0, expected at least 1".to_owned());
        }
        problems.extend(self.sandbox.problems().into_iter().map(|problem| format!("sandbox.{problem}")));
        problems
    }
}
