//! `Budget`: a number of questions and calls that each session may use.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};

use super::{Hook, PendingAction, Refusal};

/// How much one session may use. [`Limits`](crate::run::Limits) apply to each question; this applies to all
/// questions of a session together.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BudgetConfig {
    /// Maximum number of questions of a session. Default: no limit.
    pub questions: Option<u64>,
    /// Maximum number of tool calls of a session. Default: no limit.
    pub actions: Option<u64>,
    /// Maximum number of calls of single tools in a session, by name. Default: no limit.
    pub tools: BTreeMap<String, u64>,
}

/// What one session has used.
#[derive(Debug, Default)]
struct Used {
    questions: u64,
    actions: u64,
    tools: BTreeMap<String, u64>,
}

/// Refuses questions and calls when their session has used up its budget. Refused ones do not count.
#[derive(Debug)]
pub struct Budget {
    config: BudgetConfig,
    used: Mutex<BTreeMap<String, Used>>,
}

impl Budget {
    /// Creates a hook in which every session has the same budget.
    #[must_use]
    pub fn new(config: BudgetConfig) -> Self {
        Self { config, used: Mutex::default() }
    }

    /// Forgets what a session has used, for instance because it has ended.
    pub fn reset(&self, session: &str) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }
}

/// Checks one counter and names the limit that forbids another use.
fn check(name: &str, used: u64, limit: Option<u64>) -> Result<(), Refusal> {
    match limit {
        Some(limit) if used >= limit => {
            Err(Refusal::new(format!("the session has used its budget of {limit} {name}")))
        }
        _ => Ok(()),
    }
}

impl Hook for Budget {
    fn before_agent(&self, session: &str, _: &mut Vec<Message>) -> Result<(), Refusal> {
        let mut sessions = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = sessions.entry(session.to_owned()).or_default();
        check("questions", used.questions, self.config.questions)?;
        used.questions += 1;
        Ok(())
    }

    fn before_action(&self, action: &mut PendingAction) -> Result<(), Refusal> {
        let mut sessions = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = sessions.entry(action.session.clone()).or_default();
        check("tool calls", used.actions, self.config.actions)?;
        let of_tool = used.tools.entry(action.name.clone()).or_default();
        let limit = self.config.tools.get(&action.name).copied();
        check(&format!("calls of {}", action.name), *of_tool, limit)?;
        *of_tool += 1;
        used.actions += 1;
        Ok(())
    }
}
