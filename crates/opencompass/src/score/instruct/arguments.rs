//! Arguments of one instruction.

use serde_json::{Map, Value};

/// The arguments of an instruction, null ones left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Arguments<'a> {
    /// Returns a text. Upstream draws one at random if it is absent, which is an error here.
    pub(super) fn text(self, name: &str) -> Result<&'a str, String> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| self.missing(name, "a text"))
    }

    /// Returns a whole number from 0 on.
    pub(super) fn number(self, name: &str) -> Result<usize, String> {
        let value = self.0.get(name);
        let number = value.and_then(|value| value.as_u64().or_else(|| whole(value)));
        number.map(|number| number as usize).ok_or_else(|| self.missing(name, "a whole number from 0 on"))
    }

    /// Returns a list of texts that is not empty.
    pub(super) fn texts(self, name: &str) -> Result<Vec<&'a str>, String> {
        let list = self.0.get(name).and_then(Value::as_array);
        let texts: Option<Vec<&str>> = list.and_then(|list| list.iter().map(Value::as_str).collect());
        texts.filter(|texts| !texts.is_empty()).ok_or_else(|| self.missing(name, "a list of texts"))
    }

    /// Compares a number with the number `name` as the argument `relation` says.
    pub(super) fn holds(self, found: usize, name: &str, relation: &str) -> Result<bool, String> {
        let expected = self.number(name)?;
        match self.text(relation)? {
            "less than" => Ok(found < expected),
            "at least" => Ok(found >= expected),
            _ => Err(self.missing(relation, "`less than` or `at least`")),
        }
    }

    fn missing(self, name: &str, expected: &str) -> String {
        let found = self.0.get(name).unwrap_or(&Value::Null);
        format!("kwargs.{name}: found {found}, expected {expected}")
    }
}

/// Numbers of data that went through tables are written as floats.
fn whole(value: &Value) -> Option<u64> {
    let number = value.as_f64()?;
    (number >= 0.0 && number.fract() == 0.0).then_some(number as u64)
}
