//! [`RewardSourceConfig`]: one entry of the list `objective.rewards`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use internlm_kit::config::Validate;
use regex::Regex;
use serde::{Deserialize, Serialize};

/// A source of rewards. Judges give 1 for a right answer and 0 for a wrong one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum RewardSourceConfig {
    /// The number behind the last `####` in the last 300 characters is that of the reference.
    Gsm8k {
        /// Factor in the sum, default 1.
        #[serde(default = "one")]
        weight: f64,
    },
    /// The number that the answer gives is that of the reference.
    Number {
        /// Factor in the sum, default 1.
        #[serde(default = "one")]
        weight: f64,
    },
    /// The answer is the reference, up to white space around it.
    ExactMatch {
        /// Factor in the sum, default 1.
        #[serde(default = "one")]
        weight: f64,
    },
    /// The reference occurs in the answer.
    Contains {
        /// Factor in the sum, default 1.
        #[serde(default = "one")]
        weight: f64,
    },
    /// A regular expression matches somewhere in the answer; `{reference}` in it stands for the reference as it is.
    Regex {
        /// The expression, in the syntax of the crate `regex`.
        pattern: String,
        /// Factor in the sum, default 1.
        #[serde(default = "one")]
        weight: f64,
    },
    /// A program reads the answers as JSON lines and writes one number per line.
    Command {
        /// The program and its arguments.
        program: Vec<String>,
        /// Maximum number of seconds for the answers of one round, default 600.
        #[serde(default = "ten_minutes")]
        timeout_seconds: u64,
        /// Factor in the sum, default 1.
        #[serde(default = "one")]
        weight: f64,
    },
    /// The score of a reward model.
    Model {
        /// Folder of the model.
        path: PathBuf,
        /// System prompt of each domain, written before the conversation; default those in the model's `config.json`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        domains: BTreeMap<String, String>,
        /// Name of the chat template, default the model's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<String>,
        /// Factor in the sum, default 1.
        #[serde(default = "one")]
        weight: f64,
    },
}

fn one() -> f64 {
    1.0
}

fn ten_minutes() -> u64 {
    600
}

impl RewardSourceConfig {
    /// The word that the key `kind` has.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gsm8k { .. } => "gsm8k",
            Self::Number { .. } => "number",
            Self::ExactMatch { .. } => "exact-match",
            Self::Contains { .. } => "contains",
            Self::Regex { .. } => "regex",
            Self::Command { .. } => "command",
            Self::Model { .. } => "model",
        }
    }

    /// Factor of this source in the sum.
    #[must_use]
    pub fn weight(&self) -> f64 {
        match self {
            Self::Gsm8k { weight }
            | Self::Number { weight }
            | Self::ExactMatch { weight }
            | Self::Contains { weight }
            | Self::Regex { weight, .. }
            | Self::Command { weight, .. }
            | Self::Model { weight, .. } => *weight,
        }
    }
}

impl Validate for RewardSourceConfig {
    fn problems(&self) -> Vec<String> {
        let at = |key: &str| format!("objective.rewards.{}.{key}", self.name());
        let mut problems = Vec::new();
        if !self.weight().is_finite() {
            problems.push(format!("{}: found {}, expected a finite number", at("weight"), self.weight()));
        }
        match self {
            // A reference is put in literally, which cannot break the expression.
            Self::Regex { pattern, .. } => {
                if let Err(error) = Regex::new(&pattern.replace("{reference}", "x")) {
                    problems.push(format!(
                        "{}: found `{pattern}`, expected a regular expression: {error}",
                        at("pattern")
                    ));
                }
            }
            Self::Command { program, timeout_seconds, .. } => {
                if program.first().is_none_or(String::is_empty) {
                    problems.push(format!(
                        "{}: found no program, expected its path and arguments",
                        at("program")
                    ));
                }
                if *timeout_seconds == 0 {
                    problems.push(format!("{}: found 0, expected at least 1", at("timeout-seconds")));
                }
            }
            _ => {}
        }
        problems
    }
}
