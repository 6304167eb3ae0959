//! An agent as a TOML file.

use std::path::{Path, PathBuf};

use internlm_kit::config::{Validate, load_with};
use internlm_kit::sandbox::SandboxConfig;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::action::{Executor, available};
use crate::llm::ModelConfig;
use crate::protocol::Protocol;
use crate::run::{AgentSpec, Approval, Limits, Sampling};

/// Everything about an agent. Unknown keys are errors.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AgentConfig {
    /// Names of built-in tools; default none.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Which calls need a person: `"never"` (default), `"always"` or `{ tools = [..] }`.
    #[serde(default)]
    pub approval: Approval,
    /// How it talks about tools; `kind = "internlm2"` (default) or `"react"`.
    #[serde(default = "internlm2")]
    pub protocol: Protocol,
    /// Which model, and how to reach it.
    #[serde(default)]
    pub model: ModelConfig,
    /// Settings of the model requests; greedy by default.
    #[serde(default)]
    pub sampling: Sampling,
    /// Limits of each question.
    #[serde(default)]
    pub limits: Limits,
    /// Limits of whatever the tools run.
    #[serde(default)]
    pub sandbox: SandboxConfig,
    /// The questions of `lagent run`.
    pub questions: Option<QuestionsConfig>,
}

/// A file of questions and where the answers go.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct QuestionsConfig {
    /// JSON lines `{"id", "question", "answer"}`; further keys are ignored.
    pub path: PathBuf,
    /// Folder for transcripts, predictions and the summary.
    pub out: PathBuf,
    /// Take only the first questions; default all.
    pub limit: Option<usize>,
    /// Questions asked at once; default 4. The output does not depend on it.
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
    /// Loads and checks a config.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self> {
        Ok(load_with(path, overrides)?)
    }

    /// The tools.
    ///
    /// # Errors
    /// Tools that cannot be built or cannot work here.
    pub fn executor(&self) -> Result<Executor> {
        let executor = Executor::with_tools(&self.tools, &self.sandbox)?;
        match executor.first_unavailable() {
            None => Ok(executor),
            Some((name, reason)) => Err(crate::Error::ToolUnavailable { name, reason }),
        }
    }

    /// The agent, with the definitions of these tools.
    #[must_use]
    pub fn spec(&self, executor: &Executor) -> AgentSpec {
        AgentSpec {
            protocol: self.protocol.clone(),
            tools: executor.specs(),
            limits: self.limits.clone(),
            params: self.sampling.clone(),
            approval: self.approval.clone(),
        }
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
        if self.questions.as_ref().is_some_and(|questions| questions.concurrency == 0) {
            problems.push("questions.concurrency: found 0, expected at least 1".to_owned());
        }
        problems.extend(self.sandbox.problems().into_iter().map(|problem| format!("sandbox.{problem}")));
        problems
    }
}
