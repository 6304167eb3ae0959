//! Limits of a run, what was used of them, and the settings of its model requests.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Reaching a limit ends the run with a reason and the best answer so far. Absent = no limit.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Model requests; default 4, as lagent's agents.
    pub max_turn: u32,
    /// Prompt tokens of all requests together; default none.
    pub input_tokens: Option<u64>,
    /// Generated tokens of all requests together; default none.
    pub output_tokens: Option<u64>,
    /// Tool calls; default none.
    pub tool_calls: Option<u32>,
    /// Time of model and tools together, milliseconds; default none.
    pub milliseconds: Option<u64>,
    /// Milliseconds a single tool call may take; default 60,000.
    pub tool_milliseconds: u64,
    /// Corrections in a row after calls that cannot be understood; default 2.
    pub corrections: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_turn: 4,
            input_tokens: None,
            output_tokens: None,
            tool_calls: None,
            milliseconds: None,
            tool_milliseconds: 60_000,
            corrections: 2,
        }
    }
}

/// What a run used so far.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counters {
    /// Model requests.
    pub turns: u32,
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Generated tokens.
    pub output_tokens: u64,
    /// Tool calls that were made, failed ones included.
    pub tool_calls: u32,
    /// Calls of the model that could not be understood.
    pub parse_errors: u32,
    /// Time of model and tools, milliseconds.
    pub milliseconds: u64,
}

impl Limits {
    /// The limit that forbids another model request, by its key; `None` when there is none.
    pub(super) fn reached(&self, used: &Counters) -> Option<&'static str> {
        let over = |limit: Option<u64>, used: u64| limit.is_some_and(|limit| used >= limit);
        if used.turns >= self.max_turn {
            Some("max-turn")
        } else if over(self.input_tokens, used.input_tokens) {
            Some("input-tokens")
        } else if over(self.output_tokens, used.output_tokens) {
            Some("output-tokens")
        } else if over(self.milliseconds, used.milliseconds) {
            Some("milliseconds")
        } else {
            None
        }
    }
}

/// Which tool calls a person has to approve first.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// None.
    #[default]
    Never,
    /// Those of these tools.
    Tools(BTreeSet<String>),
    /// All.
    Always,
}

impl Approval {
    /// Whether a call of `tool` has to be approved.
    #[must_use]
    pub fn covers(&self, tool: &str) -> bool {
        match self {
            Self::Never => false,
            Self::Tools(names) => names.contains(tool),
            Self::Always => true,
        }
    }
}

/// Settings of every model request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sampling {
    /// 0 = greedy, which is the default.
    pub temperature: f32,
    /// Nucleus, in (0, 1]; default 1.
    pub top_p: f32,
    /// Seed; only with a temperature above 0; default 0.
    pub seed: i64,
    /// Most tokens of one reply; default 512.
    pub max_tokens: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, seed: 0, max_tokens: 512 }
    }
}
