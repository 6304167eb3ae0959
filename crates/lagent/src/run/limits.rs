//! Limits of a question, counters of what was used, and the sampling settings of model requests.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Limits of one question. Reaching a limit ends the question with a reason and the best answer so far.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Limits {
    /// Maximum number of model requests. Default: lagent's number for the protocol, see
    /// [`Protocol::default_max_turn`](crate::protocol::Protocol::default_max_turn).
    pub max_turn: Option<u32>,
    /// Maximum number of prompt tokens over all requests. Default: no limit.
    pub input_tokens: Option<u64>,
    /// Maximum number of generated tokens over all requests. Default: no limit.
    pub output_tokens: Option<u64>,
    /// Maximum number of tool calls. Default: no limit.
    pub tool_calls: Option<u32>,
    /// Maximum time of all model requests and tool calls together, in milliseconds. Default: no limit.
    pub milliseconds: Option<u64>,
    /// Maximum time of a single tool call in milliseconds. Default: 60,000.
    pub tool_milliseconds: u64,
    /// Maximum number of corrections in a row after calls that cannot be understood. Default: 2.
    pub corrections: u32,
    /// Maximum depth of agents that are called as tools of other agents. Default: 4.
    pub depth: u32,
    /// Maximum cost of all requests, in the currency of the two prices. Default: no limit.
    pub money: Option<f64>,
    /// Price of a million prompt tokens. Default: 0.
    pub input_price: f64,
    /// Price of a million generated tokens. Default: 0.
    pub output_price: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_turn: None,
            input_tokens: None,
            output_tokens: None,
            tool_calls: None,
            milliseconds: None,
            tool_milliseconds: 60_000,
            corrections: 2,
            depth: 4,
            money: None,
            input_price: 0.0,
            output_price: 0.0,
        }
    }
}

/// What a question has used so far, compared with [`Limits`] before every request.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counters {
    /// Number of model requests.
    pub turns: u32,
    /// Number of prompt tokens over all requests.
    pub input_tokens: u64,
    /// Number of generated tokens over all requests.
    pub output_tokens: u64,
    /// Number of tool calls, failed ones included.
    pub tool_calls: u32,
    /// Number of calls that could not be understood.
    pub parse_errors: u32,
    /// Time of all model requests and tool calls in milliseconds.
    pub milliseconds: u64,
}

impl Counters {
    /// Adds what another member of a team has used.
    pub(crate) fn add(&mut self, other: &Self) {
        self.turns = self.turns.saturating_add(other.turns);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.tool_calls = self.tool_calls.saturating_add(other.tool_calls);
        self.parse_errors = self.parse_errors.saturating_add(other.parse_errors);
        self.milliseconds = self.milliseconds.saturating_add(other.milliseconds);
    }
}

impl Limits {
    /// What is wrong with the values, by key.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.max_turn == Some(0) {
            problems.push("limits.max-turn: found 0, expected at least 1".to_owned());
        }
        let amounts = [
            ("money", self.money),
            ("input-price", Some(self.input_price)),
            ("output-price", Some(self.output_price)),
        ];
        for (key, amount) in amounts {
            if let Some(found) = amount.filter(|amount| !amount.is_finite() || *amount < 0.0) {
                problems.push(format!("limits.{key}: found {found}, expected a number of at least 0"));
            }
        }
        problems
    }

    /// Returns the cost of the tokens of `used`, in the currency of the two prices.
    #[must_use]
    pub fn cost(&self, used: &Counters) -> f64 {
        (used.input_tokens as f64 * self.input_price + used.output_tokens as f64 * self.output_price) / 1e6
    }

    /// Returns the key of the limit that forbids another model request, or `None` if there is no such limit.
    pub(crate) fn reached(&self, used: &Counters) -> Option<&'static str> {
        if self.max_turn.is_some_and(|max_turn| used.turns >= max_turn) {
            return Some("max-turn");
        }
        self.reached_besides_turns(used)
    }

    /// Returns the same as [`Limits::reached`] without a look at the number of requests.
    pub(crate) fn reached_besides_turns(&self, used: &Counters) -> Option<&'static str> {
        let over = |limit: Option<u64>, used: u64| limit.is_some_and(|limit| used >= limit);
        if self.money.is_some_and(|money| self.cost(used) >= money) {
            Some("money")
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

/// Which tool calls wait for a person's approval.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// No call needs approval.
    #[default]
    Never,
    /// Calls of the named tools need approval.
    Tools(BTreeSet<String>),
    /// Every call needs approval.
    Always,
}

impl Approval {
    /// Checks whether a call of `tool` needs approval.
    #[must_use]
    pub fn covers(&self, tool: &str) -> bool {
        match self {
            Self::Never => false,
            Self::Tools(names) => names.contains(tool),
            Self::Always => true,
        }
    }
}

/// Sampling settings of every model request.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Sampling {
    /// Sampling temperature, 0 to 2. Default: 0, which means greedy decoding.
    pub temperature: f32,
    /// Probability mass of nucleus sampling, above 0 and at most 1. Default: 1.
    pub top_p: f32,
    /// Random seed; sent only with a temperature above 0. Default: 0.
    pub seed: i64,
    /// Maximum number of tokens of one reply. Default: 512.
    pub max_tokens: u32,
    /// Texts that end a reply and are not part of it. ReAct adds the tag of the response. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, seed: 0, max_tokens: 512, stop: Vec::new() }
    }
}
