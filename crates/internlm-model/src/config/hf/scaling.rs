//! [`Scaling`]: reading the object under `rope_scaling`, in which every key changes positions.

use serde_json::{Map, Value};

use crate::config::keys::Keys;

/// The keys of the object that are still unread; null counts as absent. Problems go to those of the whole file.
pub(super) struct Scaling<'a> {
    keys: &'a mut Keys,
    /// The key that the object was found under.
    name: &'static str,
    object: Map<String, Value>,
}

impl<'a> Scaling<'a> {
    pub(super) fn new(keys: &'a mut Keys, name: &'static str, mut object: Map<String, Value>) -> Self {
        object.retain(|_, value| !value.is_null());
        Self { keys, name, object }
    }

    pub(super) fn problem(&mut self, key: &str, found: &str, expected: &str) {
        self.keys.problem(format!("{}.{key}: found {found}, {expected}", self.name));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.object.is_empty()
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.object.contains_key(key)
    }

    /// Leaves the rest unread, where nothing is known about its keys.
    pub(super) fn skip(&mut self) {
        self.object.clear();
    }

    /// Names the keys that nobody has read.
    pub(super) fn finish(mut self) {
        for (key, value) in std::mem::take(&mut self.object) {
            self.problem(&key, &value.to_string(), "expected no such key with this kind of scaling");
        }
    }

    /// Takes a value of the type that `convert` gives, if it is there.
    fn value<T>(&mut self, key: &str, expected: &str, convert: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.object.shift_remove(key)?;
        let converted = convert(&value);
        if converted.is_none() {
            self.problem(key, &value.to_string(), expected);
        }
        converted
    }

    pub(super) fn number(&mut self, key: &str) -> Option<f64> {
        self.value(key, "expected a number", Value::as_f64)
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.value(key, "expected a name", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.value(key, "expected true or false", Value::as_bool)
    }

    /// A number of tokens, also as the float that some converters write.
    pub(super) fn length(&mut self, key: &str) -> Option<usize> {
        self.value(key, "expected a whole number", |value| {
            let whole = value.as_f64().filter(|number| *number >= 0.0 && number.fract() == 0.0)?;
            Some(whole as usize)
        })
    }

    /// A number that must be there; 0 stands for a missing one, which is a problem already.
    pub(super) fn required(&mut self, key: &str) -> f64 {
        if !self.contains(key) {
            self.keys.problem(format!("{}.{key}: missing, expected a number", self.name));
        }
        self.number(key).unwrap_or(0.0)
    }

    /// A list of numbers that must be there.
    pub(super) fn numbers(&mut self, key: &str) -> Vec<f64> {
        if !self.contains(key) {
            self.keys.problem(format!("{}.{key}: missing, expected a list of numbers", self.name));
        }
        let list = |value: &Value| value.as_array()?.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>();
        self.value(key, "expected a list of numbers", list).unwrap_or_default()
    }
}
