//! [`RawObject`]: an object of a request that is read by hand, so that an error names the place of what is wrong.
//!
//! Items, blocks and tools of the newer APIs come in many kinds. Serde would try one kind after the other and could not
//! say which field of the one that was meant is wrong.

use serde_json::{Map, Value};

use crate::{Error, Result};

/// Maximum number of characters of a text that a message shows.
const SHOWN: usize = 60;

/// An object with its place in the body, such as `input.2.content.0`.
#[derive(Clone, Debug)]
pub(super) struct RawObject<'a> {
    fields: &'a Map<String, Value>,
    place: String,
}

impl<'a> RawObject<'a> {
    pub(super) fn new(fields: &'a Map<String, Value>, place: impl Into<String>) -> Self {
        Self { fields, place: place.into() }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The place of a field.
    pub(super) fn inside(&self, name: &str) -> String {
        format!("{}.{name}", self.place)
    }

    /// A field; null is an absent one.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// What the object says it is; empty when it does not.
    pub(super) fn kind(&self) -> &'a str {
        self.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// A field that must be text.
    pub(super) fn text(&self, name: &str) -> Result<&'a str> {
        self.optional_text(name)?.ok_or_else(|| self.wrong(name, "a string"))
    }

    /// The field `name`, which must be there and not be empty.
    pub(super) fn name(&self) -> Result<&'a str> {
        let name = self.text("name")?;
        if name.is_empty() { Err(self.wrong("name", "a name")) } else { Ok(name) }
    }

    /// A field that is text or absent.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "a string")),
        }
    }

    /// A field that must be an object.
    pub(super) fn object(&self, name: &str) -> Result<&'a Map<String, Value>> {
        self.get(name).and_then(Value::as_object).ok_or_else(|| self.wrong(name, "an object"))
    }

    /// A field that is true, false or absent, which is false.
    pub(super) fn is_true(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(_) => Err(self.wrong(name, "true or false")),
        }
    }

    /// The objects of a list that is the field `name`.
    pub(super) fn objects(&self, name: &str, list: &'a [Value]) -> Result<Vec<Self>> {
        let read = |(index, value): (usize, &'a Value)| {
            let place = format!("{}.{name}.{index}", self.place);
            let fields = value.as_object().ok_or_else(|| {
                Error::field(place.as_str(), format!("found {}, expected an object", shown(Some(value))))
            })?;
            Ok(Self::new(fields, place))
        };
        list.iter().enumerate().map(read).collect()
    }

    /// All fields with a value, but for those of some names.
    pub(super) fn without(&self, names: &[&str]) -> Map<String, Value> {
        let kept =
            self.fields.iter().filter(|(name, value)| !value.is_null() && !names.contains(&name.as_str()));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The refusal of a field.
    pub(super) fn wrong(&self, name: &str, expected: &str) -> Error {
        let found = shown(self.get(name));
        Error::field(self.inside(name), format!("found {found}, expected {expected}"))
    }
}

/// A value as a message shows it.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(Value::String(text)) => format!("`{}`", text.chars().take(SHOWN).collect::<String>()),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn errors_name_place_found_and_expected() {
        let map = fields(json!({"type": "message", "role": 7, "content": [1], "id": null}));
        let object = RawObject::new(&map, "input.2");
        assert_eq!((object.kind(), object.place()), ("message", "input.2"));
        assert_eq!(object.optional_text("id").expect("null is absent"), None);
        let empty = fields(json!({"name": ""}));
        let error = RawObject::new(&empty, "tools.0").name().expect_err("empty");
        assert_eq!(error.to_string(), "tools.0.name: found ``, expected a name");
        for (error, message) in [
            (object.text("role"), "input.2.role: found 7, expected a string"),
            (object.text("id"), "input.2.id: found nothing, expected a string"),
            (object.is_true("type").map(|_| ""), "input.2.type: found `message`, expected true or false"),
            (object.object("content").map(|_| ""), "input.2.content: found a list, expected an object"),
        ] {
            assert_eq!(error.expect_err(message).to_string(), message);
        }
        let list = object.get("content").and_then(Value::as_array).expect("a list");
        let error = object.objects("content", list).expect_err("not objects");
        assert_eq!(error.to_string(), "input.2.content.0: found 1, expected an object");
    }

    #[test]
    fn what_is_left_keeps_its_order() {
        let map = fields(json!({"type": "function", "name": "f", "strict": null, "parameters": {}}));
        let left = RawObject::new(&map, "tools.0").without(&["type"]);
        assert_eq!(Value::Object(left).to_string(), r#"{"name":"f","parameters":{}}"#);
    }
}
