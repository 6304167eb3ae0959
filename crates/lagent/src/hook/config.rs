//! The hooks of an agent file.

use std::path::PathBuf;
use std::sync::Arc;

use internlm_kit::file;
use serde::{Deserialize, Serialize};

use super::{Budget, BudgetConfig, Hook, Hooks, InternLmActionProcessor, Logger, Redaction};
use crate::Result;

/// One entry of `[[hooks]]`. Hooks act in the order of the file.
///
/// [`ApprovalHook`](super::ApprovalHook) needs a function and is registered by programs; an agent file has the
/// key `approval` for the same purpose.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HookConfig {
    /// Writes messages and calls to the log.
    Logger(LoggerConfig),
    /// Turns parsed actions into calls, see [`InternLmActionProcessor`].
    InternlmActionProcessor(InternLmActionConfig),
    /// Masks the secrets of a file.
    Redaction(RedactionConfig),
    /// Limits the questions and calls of a session.
    Budget(BudgetConfig),
}

/// Settings of [`Logger`] in an agent file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct LoggerConfig {
    /// Maximum number of characters of one logged text. Default: 2,000.
    #[serde(default = "two_thousand")]
    pub max_characters: usize,
}

/// Settings of [`InternLmActionProcessor`] in an agent file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct InternLmActionConfig {
    /// Name of the tool that runs code.
    pub interpreter: String,
    /// Name of the parameter that receives the code. Default: `command`.
    #[serde(default = "command")]
    pub code_parameter: String,
}

/// Settings of [`Redaction`] in an agent file. Secrets themselves do not belong into it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct RedactionConfig {
    /// Path of a file with one secret per line. White space around a secret and empty lines are ignored.
    pub path: PathBuf,
}

fn two_thousand() -> usize {
    2_000
}

fn command() -> String {
    "command".to_owned()
}

impl HookConfig {
    /// Creates the hook that this entry describes.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) when the file of secrets cannot be read.
    pub fn build(&self) -> Result<Arc<dyn Hook>> {
        Ok(match self {
            Self::Logger(config) => Arc::new(Logger::default().with_max_characters(config.max_characters)),
            Self::InternlmActionProcessor(config) => Arc::new(
                InternLmActionProcessor::new(&config.interpreter).with_code_parameter(&config.code_parameter),
            ),
            Self::Redaction(config) => {
                let text = file::read_to_string(&config.path)?;
                Arc::new(Redaction::new(text.lines().map(str::trim)))
            }
            Self::Budget(config) => Arc::new(Budget::new(config.clone())),
        })
    }
}

impl Hooks {
    /// Creates the hooks of an agent file, in its order.
    ///
    /// # Errors
    /// The same as [`HookConfig::build`].
    pub fn from_configs(configs: &[HookConfig]) -> Result<Self> {
        let hooks = Self::default();
        for config in configs {
            hooks.register(config.build()?);
        }
        Ok(hooks)
    }
}
