//! Reading the keys of one JSON object: used keys are taken out, problems are collected.

use serde_json::{Map, Value};

use crate::TokenId;

/// The keys of a `config.json` that are still unread, and what was wrong with the read ones.
pub(super) struct Keys {
    object: Map<String, Value>,
    problems: Vec<String>,
}

impl Keys {
    pub(super) fn new(object: Map<String, Value>) -> Self {
        Self { object, problems: Vec::new() }
    }

    /// The unread keys and the problems.
    pub(super) fn finish(self) -> (Map<String, Value>, Vec<String>) {
        (self.object, self.problems)
    }

    pub(super) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.object.shift_remove(key)
    }

    pub(super) fn peek(&self, key: &str) -> Option<&Value> {
        self.object.get(key)
    }

    /// The unread keys with their values, in the order of the file.
    pub(super) fn unread(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.object.iter()
    }

    /// A required size.
    pub(super) fn size(&mut self, key: &str) -> usize {
        if self.peek(key).is_none_or(Value::is_null) {
            self.problem(format!("{key}: missing, expected a whole number"));
        }
        self.optional_size(key).unwrap_or_default()
    }

    /// A size that may be absent or null.
    pub(super) fn optional_size(&mut self, key: &str) -> Option<usize> {
        let value = self.take(key).filter(|value| !value.is_null())?;
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
        if size.is_none() {
            self.problem(format!("{key}: found {value}, expected a whole number"));
        }
        size
    }

    /// A number that falls back to the upstream class's default with a warning.
    pub(super) fn number_or(&mut self, key: &str, default: f64) -> f64 {
        match self.take(key) {
            None => {
                tracing::warn!("config.json: `{key}` is absent, using {default}");
                default
            }
            Some(value) => value.as_f64().unwrap_or_else(|| {
                self.problem(format!("{key}: found {value}, expected a number"));
                default
            }),
        }
    }

    /// A flag that falls back to the upstream class's default with a warning.
    pub(super) fn flag_or(&mut self, key: &str, default: bool) -> bool {
        match self.take(key) {
            None => {
                tracing::warn!("config.json: `{key}` is absent, using {default}");
                default
            }
            Some(Value::Bool(flag)) => flag,
            Some(value) => {
                self.problem(format!("{key}: found {value}, expected true or false"));
                default
            }
        }
    }

    /// A flag that is false when absent.
    pub(super) fn flag(&mut self, key: &str) -> bool {
        self.peek(key).is_some() && self.flag_or(key, false)
    }

    /// One token id or a list of them; `None` when absent or null. Negative ids mean "none" upstream.
    pub(super) fn ids(&mut self, key: &str) -> Option<Vec<TokenId>> {
        let value = self.take(key).filter(|value| !value.is_null())?;
        let list = match &value {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        };
        if list.iter().any(|id| id.as_i64().is_some_and(|id| id < 0)) {
            return None;
        }
        let ids: Option<Vec<TokenId>> =
            list.iter().map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok()).map(TokenId)).collect();
        if ids.is_none() {
            self.problem(format!("{key}: found {value}, expected a token id or a list of them"));
        }
        ids
    }
}
