//! [`unsupported`]: the first field of a request that asks for something this server does not do. Such a request is
//! refused, because its answer would not be the one that was asked for.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::request_fields::{RequestFields, Treatment, rows};

/// A field that was sent and is not supported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unsupported {
    /// Its name in the body.
    pub(crate) name: &'static str,
    /// What was sent.
    pub(crate) found: Value,
    /// The values that are taken, in words.
    pub(crate) expected: String,
}

/// The first field of a request's body that asks for something this server does not do.
///
/// # Errors
/// `body` is not a JSON object.
pub(crate) fn unsupported<T: RequestFields>(body: &[u8]) -> serde_json::Result<Option<Unsupported>> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let found = deserializer.deserialize_map(Body::<T>(PhantomData))?;
    deserializer.end()?;
    Ok(found)
}

/// Keeps nothing of a body but the value of a refused field.
struct Body<T>(PhantomData<T>);

impl<'de, T: RequestFields> Visitor<'de> for Body<T> {
    type Value = Option<Unsupported>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            let refused = match treatment::<T>(&key) {
                Some((name, Treatment::Refused(neutral))) => refused(name, neutral, map.next_value()?),
                Some((name, _)) if has_inner::<T>(name) => refused_inside::<T>(name, map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            found = found.or(refused.map_err(A::Error::custom)?);
        }
        Ok(found)
    }
}

/// The row of a field; none for a field that is not documented.
fn treatment<T: RequestFields>(key: &str) -> Option<(&'static str, Treatment)> {
    rows::<T>().find(|(name, _)| *name == key).copied()
}

/// Whether the fields of the object `name` are looked at one by one.
fn has_inner<T: RequestFields>(name: &str) -> bool {
    rows::<T>().any(|(row, _)| row.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The first refused field of an object that is the field `name` of a request.
fn refused_inside<T: RequestFields>(name: &str, found: Value) -> serde_json::Result<Option<Unsupported>> {
    let Value::Object(fields) = found else { return Ok(None) };
    for (key, value) in fields {
        if let Some((name, Treatment::Refused(neutral))) = treatment::<T>(&format!("{name}.{key}"))
            && let Some(field) = refused(name, neutral, value)?
        {
            return Ok(Some(field));
        }
    }
    Ok(None)
}

fn refused(name: &'static str, neutral: &[&str], found: Value) -> serde_json::Result<Option<Unsupported>> {
    for text in neutral {
        if same(&serde_json::from_str(text)?, &found) {
            return Ok(None);
        }
    }
    if found.is_null() {
        return Ok(None);
    }
    let expected = match neutral {
        [] => "the field to be absent".to_owned(),
        values => format!("{} or the field to be absent", values.join(", ")),
    };
    Ok(Some(Unsupported { name, found, expected }))
}

/// Equality of JSON, in which 0 and 0.0 are one number.
fn same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::anthropic::MessagesRequest;
    use crate::protocol::responses::ResponsesRequest;
    use crate::protocol::{ChatRequest, CompletionRequest, GenerateBody};

    fn found<T: RequestFields>(body: &str) -> Option<&'static str> {
        unsupported::<T>(body.as_bytes()).expect("an object").map(|found| found.name)
    }

    /// A body that has the field at a path, which is one or two names, among others.
    fn body(path: &str, value: &str) -> String {
        match path.split_once('.') {
            Some((object, name)) => {
                format!("{{\"model\": \"m\", \"{object}\": {{\"x\": 1, \"{name}\": {value}}}}}")
            }
            None => format!("{{\"model\": \"m\", \"{path}\": {value}}}"),
        }
    }

    fn check<T: RequestFields>() {
        for (name, treatment) in rows::<T>() {
            let Treatment::Refused(neutral) = treatment else {
                assert_eq!(found::<T>(&body(name, "7")), None, "{name}");
                continue;
            };
            for value in neutral.iter().chain(&["null"]) {
                assert_eq!(found::<T>(&body(name, value)), None, "{name}: {value}");
            }
            assert_eq!(found::<T>(&body(name, "7")), Some(*name));
        }
    }

    #[test]
    fn values_that_ask_for_nothing_pass_and_others_are_refused_by_name() {
        check::<ChatRequest>();
        check::<CompletionRequest>();
        check::<ResponsesRequest>();
        check::<MessagesRequest>();
        check::<GenerateBody>();
        let neutral = "{\"xtc_probability\": 0.0, \"mirostat\": -0.0, \"unheard_of\": [1]}";
        assert_eq!(found::<ChatRequest>(neutral), None);
        let refused = unsupported::<ChatRequest>(b"{\"length_penalty\": 4}").expect("an object");
        let refused = refused.expect("is refused");
        assert_eq!(
            (refused.found.to_string().as_str(), refused.expected.as_str()),
            ("4", "1 or the field to be absent")
        );
    }

    #[test]
    fn a_field_of_the_other_route_is_refused() {
        assert_eq!(found::<CompletionRequest>("{\"tools\": [{}]}"), Some("tools"));
        assert_eq!(found::<CompletionRequest>("{\"top_logprobs\": 3}"), Some("top_logprobs"));
        assert_eq!(found::<ChatRequest>("{\"suffix\": \"a\"}"), Some("suffix"));
        assert_eq!(found::<ChatRequest>("{\"prompt\": \"a\"}"), Some("prompt"));
        assert_eq!(found::<ChatRequest>("{\"tools\": [{}], \"top_logprobs\": 3}"), None);
        assert_eq!(found::<CompletionRequest>("{\"echo\": true, \"prompt\": \"a\"}"), None);
    }

    #[test]
    fn fields_of_other_servers_are_refused_in_every_body() {
        for (name, body) in [
            ("mirostat", "{\"mirostat\": 2}"),
            ("use_beam_search", "{\"use_beam_search\": true}"),
            ("guided_json", "{\"guided_json\": {}}"),
            ("n_predict", "{\"n_predict\": 5}"),
            ("reasoning_format", "{\"reasoning_format\": \"none\"}"),
        ] {
            assert_eq!(found::<ResponsesRequest>(body), Some(name));
            assert_eq!(found::<MessagesRequest>(body), Some(name));
            assert_eq!(found::<GenerateBody>(body), Some(name));
        }
    }

    #[test]
    fn only_an_object_has_fields() {
        for body in [&b"[1]"[..], b"{\"audio\": "] {
            assert!(unsupported::<ChatRequest>(body).is_err());
        }
    }
}
