//! [`Secrets`]: texts that must not be written into a transcript, such as the keys of services.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Result;
use crate::hook::Redaction;

/// Texts that are replaced by `***` when a line is written, wherever they occur.
///
/// Events and commands are masked alike, so a transcript with masks replays as any other.
///
/// ```
/// use lagent::transcript::Secrets;
///
/// let secrets = Secrets::new(["sk-1234"]);
/// assert_eq!(format!("{secrets:?}"), "Secrets(Some(Redaction { secrets: 1 }))");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Secrets(Option<Redaction>);

impl Secrets {
    /// Creates the list. White space around a secret does not belong to it, and empty texts are ignored.
    #[must_use]
    pub fn new<T: AsRef<str>>(secrets: impl IntoIterator<Item = T>) -> Self {
        let secrets: Vec<String> = secrets
            .into_iter()
            .map(|secret| secret.as_ref().trim().to_owned())
            .filter(|secret| !secret.is_empty())
            .collect();
        Self((!secrets.is_empty()).then(|| Redaction::new(secrets)))
    }

    /// Returns the value without secrets.
    pub(crate) fn masked<'v, T>(&self, value: &'v T) -> Result<Cow<'v, T>>
    where
        T: Clone + DeserializeOwned + Serialize,
    {
        let Some(redaction) = &self.0 else { return Ok(Cow::Borrowed(value)) };
        let masked = mask(redaction, serde_json::to_value(value)?);
        Ok(Cow::Owned(serde_json::from_value(masked)?))
    }
}

/// Masks every text in a value, the keys of objects included.
fn mask(redaction: &Redaction, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redaction.mask(&text)),
        Value::Array(items) => items.into_iter().map(|item| mask(redaction, item)).collect(),
        Value::Object(fields) => {
            let fields =
                fields.into_iter().map(|(key, field)| (redaction.mask(&key), mask(redaction, field)));
            Value::Object(fields.collect::<Map<String, Value>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::Message;
    use serde_json::json;

    use super::*;
    use crate::run::Event;

    #[test]
    fn secrets_are_masked_in_every_text_and_nowhere_else() {
        let secrets = Secrets::new([" sk-1 ", "", "sk-12"]);
        let value = json!({"a": ["sk-1", {"sk-12": "x sk-12 y"}], "b": 12, "c": null});
        let masked = secrets.masked(&value).expect("is JSON").into_owned();
        assert_eq!(masked, json!({"a": ["***", {"***": "x *** y"}], "b": 12, "c": null}));
        assert!(matches!(Secrets::new([" "]).masked(&value), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn a_secret_that_is_a_word_of_the_format_is_an_error() {
        let event = Event::Start { messages: vec![Message::user("q")] };
        assert!(Secrets::new(["start"]).masked(&event).is_err());
        assert!(Secrets::new(["sk-1"]).masked(&event).is_ok());
    }
}
