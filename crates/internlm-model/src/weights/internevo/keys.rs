//! Reading the dict of `model_config.pt` key by key: a value of the wrong kind is a problem, never a default.

use std::collections::BTreeMap;

use crate::weights::torch::Value;

/// The keys of the dict and what was wrong with them.
pub(super) struct Keys<'a> {
    root: &'a Value,
    problems: Vec<String>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root, problems: Vec::new() }
    }

    pub(super) fn into_problems(self) -> Vec<String> {
        self.problems
    }

    pub(super) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// A value that is not of the kind its key asks for.
    pub(super) fn wrong(&mut self, key: &str, value: &Value, expected: &str) {
        self.problem(format!("{key}: found {}, expected {expected}", shown(value)));
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.root.get(key)
    }

    /// Every key with its value, sorted; of a key set twice the last value counts, as in Python.
    pub(super) fn all(&self) -> BTreeMap<&'a str, &'a Value> {
        let pairs = self.root.as_pairs().unwrap_or_default();
        pairs.iter().filter_map(|(key, value)| Some((key.as_str()?, value))).collect()
    }

    /// A required size.
    pub(super) fn size(&mut self, key: &str) -> usize {
        if self.get(key).is_none_or(|value| *value == Value::None) {
            self.problem(format!("{key}: missing, expected a whole number"));
        }
        self.optional_size(key).unwrap_or_default()
    }

    /// A size that may be absent or `None`.
    pub(super) fn optional_size(&mut self, key: &str) -> Option<usize> {
        let value = self.get(key).filter(|value| **value != Value::None)?;
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
        if size.is_none() {
            self.wrong(key, value, "a whole number");
        }
        size
    }

    /// A number; `default` is that of InternEvo's class.
    pub(super) fn number_or(&mut self, key: &str, default: f64) -> f64 {
        let Some(value) = self.get(key) else { return default };
        value.as_f64().unwrap_or_else(|| {
            self.wrong(key, value, "a number");
            default
        })
    }

    /// A flag that may be absent.
    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.wrong(key, value, "True or False");
        }
        flag
    }
}

/// A value as Python writes it; of kinds that no key of a model has, the name and the content.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Text(text) => format!("{text:?}"),
        Value::DType(encoding) => encoding.to_string(),
        Value::List(items) | Value::Tuple(items) if items.is_empty() => "[]".to_owned(),
        Value::Dict(pairs) if pairs.is_empty() => "{}".to_owned(),
        other => format!("{other:?}"),
    }
}
