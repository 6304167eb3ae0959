//! The settings of `ReWOO`, and their form in an agent file, which may name a language.

use serde::{Deserialize, Serialize};

use super::super::ErrorMode;
use crate::templates::{
    REWOO_PLANNER_CN, REWOO_PLANNER_EN, REWOO_REFORMAT_CN, REWOO_REFORMAT_EN, REWOO_SOLVER_CN,
    REWOO_SOLVER_EN, REWOO_WORKER_CN, REWOO_WORKER_EN,
};

/// Settings of the `ReWOO` protocol. `limits.max-turn` counts the plans; the solver's request comes on top.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(from = "RewooFile", rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Rewoo {
    /// System message of the planner. `{tool_description}` is replaced. Default: lagent's.
    pub planner: String,
    /// One step of the log. `{thought}` and `{action_resp}` are replaced. Default: lagent's.
    pub worker: String,
    /// The solver's whole prompt. `{question}` and `{worker_log}` are replaced. Default: lagent's.
    pub solver: String,
    /// System message after a plan that cannot be read. `{err_msg}` is replaced. Default: lagent's.
    pub reformat: String,
    /// How plans are read. Default: `fixed`, which also checks the names of tools and the references between steps;
    /// `compat` reads by the letter, as lagent does.
    pub errors: ErrorMode,
}

/// The language of lagent's prompts.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptLanguage {
    /// Lagent's prompts in English.
    #[default]
    En,
    /// Lagent's prompts in Chinese.
    Cn,
}

/// The form in an agent file: what is absent comes from the language's prompts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RewooFile {
    #[serde(default)]
    language: PromptLanguage,
    planner: Option<String>,
    worker: Option<String>,
    solver: Option<String>,
    reformat: Option<String>,
    #[serde(default)]
    errors: ErrorMode,
}

impl From<RewooFile> for Rewoo {
    fn from(file: RewooFile) -> Self {
        let base = Self::of(file.language);
        Self {
            planner: file.planner.unwrap_or(base.planner),
            worker: file.worker.unwrap_or(base.worker),
            solver: file.solver.unwrap_or(base.solver),
            reformat: file.reformat.unwrap_or(base.reformat),
            errors: file.errors,
        }
    }
}

impl Default for Rewoo {
    fn default() -> Self {
        Self::of(PromptLanguage::default())
    }
}

impl Rewoo {
    /// Creates the settings with the prompts of one language and the error mode `fixed`.
    #[must_use]
    pub fn of(language: PromptLanguage) -> Self {
        let [planner, worker, solver, reformat] = match language {
            PromptLanguage::En => [REWOO_PLANNER_EN, REWOO_WORKER_EN, REWOO_SOLVER_EN, REWOO_REFORMAT_EN],
            PromptLanguage::Cn => [REWOO_PLANNER_CN, REWOO_WORKER_CN, REWOO_SOLVER_CN, REWOO_REFORMAT_CN],
        }
        .map(str::to_owned);
        Self { planner, worker, solver, reformat, errors: ErrorMode::default() }
    }
}
