//! [`Named`]: a function of this crate by its name, with arguments.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// An evaluator, a post-processor or a loader: its name, or a table with `name` and arguments. An argument that is itself
/// called `name` is written as `{ name = "x", arguments = { name = "y" } }`.
///
/// ```
/// use opencompass::dataset::Named;
/// let plain: Named = serde_json::from_str(r#""gsm8k""#)?;
/// let table: Named = serde_json::from_str(r#"{"name": "first_option_postprocess", "options": "ABCD"}"#)?;
/// assert_eq!(plain, Named::new("gsm8k"));
/// assert_eq!(table, Named::new("first_option_postprocess").with("options", "ABCD"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(from = "Form", into = "Form")]
pub struct Named {
    name: String,
    arguments: Map<String, Value>,
}

/// Both ways of writing it.
#[derive(Clone, Deserialize, Serialize)]
#[serde(untagged, expecting = "expected a name or a table with `name`")]
enum Form {
    Name(String),
    Nested(Nested),
    Table {
        name: String,
        #[serde(flatten)]
        arguments: Map<String, Value>,
    },
}

/// The way to write an argument that is itself called `name`.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Nested {
    name: String,
    arguments: Map<String, Value>,
}

impl From<Form> for Named {
    fn from(form: Form) -> Self {
        match form {
            Form::Name(name) => Self::new(name),
            Form::Nested(Nested { name, arguments }) | Form::Table { name, arguments } => {
                Self { name, arguments }
            }
        }
    }
}

impl From<Named> for Form {
    fn from(named: Named) -> Self {
        let Named { name, arguments } = named;
        if arguments.is_empty() {
            Self::Name(name)
        } else if arguments.contains_key("name") {
            Self::Nested(Nested { name, arguments })
        } else {
            Self::Table { name, arguments }
        }
    }
}

impl Named {
    /// Creates a name without arguments.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: Map::new() }
    }

    /// Adds or replaces an argument.
    #[must_use]
    pub fn with(mut self, argument: impl Into<String>, value: impl Into<Value>) -> Self {
        self.arguments.insert(argument.into(), value.into());
        self
    }

    /// Returns the name of the function.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the arguments as the structure `T`, which should deny unknown fields.
    ///
    /// # Errors
    /// [`Error::Value`] that names the function and the argument.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(Value::Object(self.arguments.clone())).map_err(|error| Error::Value {
            place: self.name.clone(),
            found: Value::Object(self.arguments.clone()).to_string(),
            expected: format!("its arguments ({error})"),
        })
    }

    /// Checks that there are no arguments.
    ///
    /// # Errors
    /// [`Error::Value`] with the arguments that were found.
    pub fn no_arguments(&self) -> Result<()> {
        /// A structure without fields takes only an empty table.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        self.arguments::<Nothing>().map(|Nothing {}| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_may_be_called_name() {
        let text = r#"{"name":"x","arguments":{"name":"y","z":1}}"#;
        let named: Named = serde_json::from_str(text).expect("a table");
        assert_eq!(named, Named::new("x").with("name", "y").with("z", 1));
        assert_eq!(serde_json::to_string(&named).expect("plain data"), text);
    }
}
