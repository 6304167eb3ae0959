//! [`parse_value`]: the text of one row as a JSON value in which no key stands twice.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What is wrong with a row: (found, expected).
pub(crate) type Problem = (String, String);

/// Parses a row; `shape` says what its format expects, such as "with `messages`: [..]".
///
/// # Errors
/// Malformed JSON, a row that does not end, more than one value, and a key that stands twice in one object.
pub(crate) fn parse_value(text: &str, shape: &str) -> Result<Value, Problem> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let Strict(value) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        if error.inner().is_eof() {
            let found = "an object that does not end on its line".to_owned();
            return (found, format!("a whole object on one line, {shape}"));
        }
        let found = match error.path().to_string().as_str() {
            // The row as a whole.
            "." | "?" => error.inner().to_string(),
            place => format!("{place}: {}", error.inner()),
        };
        (found, format!("an object {shape}"))
    })?;
    deserializer
        .end()
        .map_err(|error| (format!("more after the object ({error})"), "one object".to_owned()))?;
    Ok(value)
}

/// Reads the value at `place` of a row as a `T`.
///
/// # Errors
/// The place inside the value, and what is wrong there.
pub(crate) fn typed<T: DeserializeOwned>(value: Value, place: &str, shape: &str) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.inner();
        let found = match error.path().to_string().as_str() {
            "." | "?" => format!("{place}: {inner}"),
            path if path.starts_with('[') => format!("{place}{path}: {inner}"),
            path => format!("{place}.{path}: {inner}"),
        };
        (found, shape.to_owned())
    })
}

/// Any JSON value; objects with two equal keys are refused instead of losing one of them.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Strict(value) = map.next_value()?;
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{key}` stands twice")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_is_read_as_it_is_written() {
        let text = r#"{"a": [1, -2, 0.5, true, null, "x", {}], "b": {"c": []}}"#;
        let value = parse_value(text, "with keys").expect("parses");
        assert_eq!(value, json!({"a": [1, -2, 0.5, true, null, "x", {}], "b": {"c": []}}));
        assert_eq!(value.to_string(), serde_json::from_str::<Value>(text).expect("parses").to_string());
    }

    #[test]
    fn a_problem_names_the_place() {
        let found = |text: &str| parse_value(text, "with keys").expect_err(text);
        let (twice, expected) = found(r#"{"a": {"b": 1, "b": 2}}"#);
        assert!(twice.starts_with("a: the key `b` stands twice"), "{twice}");
        assert_eq!(expected, "an object with keys");
        let (open, expected) = found(r#"{"a": "#);
        assert_eq!(open, "an object that does not end on its line");
        assert_eq!(expected, "a whole object on one line, with keys");
        assert!(found("{} {}").0.starts_with("more after the object"));
        let (kind, _) =
            typed::<Vec<String>>(json!(["a", 1]), "names", "a list of texts").expect_err("a number");
        assert!(kind.starts_with("names[1]: invalid type: integer `1`"), "{kind}");
    }
}
