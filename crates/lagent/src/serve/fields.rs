//! [`Fields`]: the JSON object of a request, of which every field is used or refused by name.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::app::App;
use super::failure::Failure;

/// The content type of every body. A page of another origin cannot send it without asking the server first.
const JSON: &str = "application/json";
/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(60);
/// Number of characters of a value that a message shows.
const SHOWN: usize = 80;

/// The fields of a request that have not been used yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields(Map<String, Value>);

impl FromRequest<App> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            return Err(Failure::new(400, "Unsupported Media Type: Only 'application/json' is allowed"));
        }
        let limit = app.config.body_limit;
        let body = timeout(PATIENCE, read(request.into_body(), limit)).await;
        let bytes = body.map_err(|_| Failure::new(408, "the request body came too slowly"))??;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(&bytes).map_err(|error| Failure::new(400, format!("request body: {error}")))
    }
}

/// The bytes of a body, when there are not too many of them.
async fn read(body: Body, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let broken = |error| Failure::new(400, format!("request body: it broke off: {error}"));
        let chunk = chunk.map_err(broken)?;
        if bytes.len() + chunk.len() > limit {
            return Err(Failure::new(413, format!("the request body is larger than {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Whether the content type is JSON's, whatever its parameters are.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON)
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Reads an object in which no name is there twice: which of two values counts depends on the reader.
struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Fields, A::Error> {
        let mut fields = Map::new();
        while let Some((name, value)) = object.next_entry::<String, Value>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            fields.insert(name, value);
        }
        Ok(Fields(fields))
    }
}

impl Fields {
    /// Uses a field; nothing when it is absent or null.
    ///
    /// # Errors
    /// Status 400 naming the place of a value of another type.
    pub(super) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        let Some(value) = self.0.shift_remove(name).filter(|value| !value.is_null()) else { return Ok(None) };
        let read: Result<T, _> = serde_path_to_error::deserialize(&value);
        read.map(Some).map_err(|error| {
            let path = error.path().to_string();
            let param = match path.as_str() {
                "." => name.to_owned(),
                path if path.starts_with('[') => format!("{name}{path}"),
                path => format!("{name}.{path}"),
            };
            Failure::field(param, error.into_inner())
        })
    }

    /// Uses the first of several names of one field; two of them at once are refused.
    pub(super) fn take_any<T: DeserializeOwned>(&mut self, names: &[&str]) -> Result<Option<T>, Failure> {
        let mut found: Option<(&str, T)> = None;
        for name in names {
            let Some(value) = self.take(name)? else { continue };
            if let Some((other, _)) = found {
                let message = format!("found it together with `{other}`, expected one of them");
                return Err(Failure::field(*name, message));
            }
            found = Some((*name, value));
        }
        Ok(found.map(|(_, value)| value))
    }

    /// Uses a field that may only have a value that changes nothing.
    pub(super) fn neutral(&mut self, name: &str, expected: &Value) -> Result<(), Failure> {
        let found: Option<Value> = self.take(name)?;
        match found {
            Some(found) if !is_equal(&found, expected) => {
                let found: String = found.to_string().chars().take(SHOWN).collect();
                Err(Failure::field(name, format_args!("found {found}, expected {expected} or no such field")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses the fields that have not been used.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.0.into_iter().find(|(_, value)| !value.is_null()) {
            Some((name, _)) => {
                Err(Failure::field(name, "this server does not support the field, expected it to be absent"))
            }
            None => Ok(()),
        }
    }
}

/// Whether two values are the same, numbers by their value.
fn is_equal(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) => found == expected,
        _ => found == expected,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn every_field_is_used_or_refused() {
        let mut all = fields(json!({"a": 1, "b": null, "n": 1.0, "c": {}}));
        assert_eq!(all.take::<u32>("a"), Ok(Some(1)));
        assert_eq!(all.take::<u32>("b"), Ok(None));
        assert_eq!(all.neutral("n", &json!(1)), Ok(()));
        let refused = all.finish().expect_err("c is left");
        assert_eq!((refused.status, refused.param.as_deref()), (400, Some("c")));
        assert_eq!(fields(json!({"c": null})).finish(), Ok(()));
        let error = fields(json!({"n": 2})).neutral("n", &json!(1)).expect_err("another number");
        assert_eq!(error.message, "n: found 2, expected 1 or no such field");
    }

    #[test]
    fn a_wrong_value_is_named_by_its_place() {
        let list = fields(json!({"a": [1, "x"]})).take::<Vec<u32>>("a").expect_err("a text");
        assert_eq!(list.param.as_deref(), Some("a[1]"));
        let text = fields(json!({"a": 1})).take::<String>("a").expect_err("a number");
        let expected = "a: invalid type: integer `1`, expected a string";
        assert!(text.message.starts_with(expected), "{}", text.message);
    }

    #[test]
    fn one_field_has_one_value() {
        let twice = serde_json::from_str::<Fields>(r#"{"a": 1, "a": 2}"#).expect_err("twice");
        assert!(twice.to_string().starts_with("duplicate field `a`"), "{twice}");
        let list = serde_json::from_str::<Fields>("[1]").expect_err("a list").to_string();
        assert!(list.contains("a JSON object"), "{list}");
        let mut names = fields(json!({"stop": 1, "stop_words": 2}));
        let error = names.take_any::<u32>(&["stop", "stop_words"]).expect_err("two names");
        assert_eq!(error.param.as_deref(), Some("stop_words"));
        assert_eq!(fields(json!({"b": 2})).take_any::<u32>(&["a", "b"]), Ok(Some(2)));
    }

    #[tokio::test]
    async fn a_large_body_is_refused() {
        let refused = read(Body::from("x".repeat(11)), 10).await.expect_err("11 bytes");
        let expected = "the request body is larger than 10 bytes";
        assert_eq!((refused.status, refused.message.as_str()), (413, expected));
        assert_eq!(read(Body::from("x".repeat(10)), 10).await.expect("10 bytes").len(), 10);
    }
}
