//! The argument of a call as the bytes of a request's body.

use std::path::Path;

use serde_json::Value;

use super::body::{Body, Form, Part, PartContent, fields};
use super::exchange::Payload;
use super::multipart::{Multipart, type_of};
use super::percent::{Keep, encoded};
use super::style::scalar;
use crate::action::{Failure, Files};

/// Writes an argument as the body that the operation takes.
///
/// # Errors
/// A value that does not fit, or a file that may not be read.
pub(super) fn payload(body: &Body, value: &Value, files: &Files) -> Result<Payload, Failure> {
    let argument = &body.argument;
    let content_type = body.content_type.clone();
    match &body.form {
        Form::Json => {
            let value = parsed(value, &body.schema);
            Ok(Payload { content_type, bytes: value.to_string().into_bytes() })
        }
        Form::UrlEncoded(styles) => {
            let value = parsed(value, &body.schema);
            let mut pairs = Vec::new();
            for (name, value) in fields(argument, &value).map_err(Failure::arguments)? {
                match styles.get(&name) {
                    Some(styled) => pairs.extend(styled.in_query(&name, &value).map_err(Failure::arguments)?),
                    None => pairs.extend(each(&value).map(|item| pair(&name, item))),
                }
            }
            Ok(Payload { content_type, bytes: pairs.join("&").into_bytes() })
        }
        Form::Multipart(parts) => {
            let value = parsed(value, &body.schema);
            let mut multipart = Multipart::default();
            for (name, value) in fields(argument, &value).map_err(Failure::arguments)? {
                let part = parts.get(&name).cloned().unwrap_or_default();
                for item in each(&value) {
                    add(&mut multipart, (&name, item), &part, files)?;
                }
            }
            let (content_type, bytes) = multipart.finish();
            Ok(Payload { content_type, bytes })
        }
        Form::Text => {
            let text = scalar(argument, value).map_err(Failure::arguments)?;
            Ok(Payload { content_type, bytes: text.into_bytes() })
        }
        Form::File => {
            let path = path(argument, value)?;
            let bytes = files.read(argument, path)?;
            let content_type =
                if content_type.contains('*') { type_of(path).to_owned() } else { content_type };
            Ok(Payload { content_type, bytes })
        }
    }
}

/// Adds one field or file.
fn add(multipart: &mut Multipart, field: (&str, &Value), part: &Part, files: &Files) -> Result<(), Failure> {
    let (name, value) = field;
    let media_type = part.content_type.as_deref();
    if part.content == PartContent::File {
        let path = path(name, value)?;
        let bytes = files.read(name, path)?;
        let file = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("file");
        multipart.file(name, media_type, (file, bytes));
    } else {
        let is_deep = value.is_object() || value.is_array();
        let media_type = media_type.or(is_deep.then_some("application/json"));
        multipart.field(name, media_type, text(value));
    }
    Ok(())
}

/// An object that a model wrote as the text of its JSON.
fn parsed(value: &Value, schema: &Value) -> Value {
    let takes_text = schema.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "string");
    match value {
        Value::String(text) if !takes_text => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        _ => value.clone(),
    }
}

/// The items of a list, or the only value.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.iter(),
        value => std::slice::from_ref(value).iter(),
    }
}

fn pair(name: &str, value: &Value) -> String {
    format!("{}={}", encoded(name, Keep::Unreserved), encoded(&text(value), Keep::Unreserved))
}

/// A text as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn path<'a>(name: &str, value: &'a Value) -> Result<&'a str, Failure> {
    value
        .as_str()
        .ok_or_else(|| Failure::arguments(format!("{name}: found {value}, expected the path of a file")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::openapi::parameter::Need;

    fn write(form: Form, value: Value) -> Result<(String, String), Failure> {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::write(folder.path().join("a.txt"), "content").expect("writes");
        let schema = json!({"type": "object"});
        let (argument, content_type) = ("body".to_owned(), "x/*".to_owned());
        let body = Body { argument, content_type, form, need: Need::Required, schema };
        let payload = payload(&body, &value, &Files::of(folder.path(), "", &[]))?;
        Ok((payload.content_type, String::from_utf8(payload.bytes).expect("is text")))
    }

    #[test]
    fn bodies_are_written_by_their_form() {
        let text = |form, value| write(form, value).expect("fits").1;
        assert_eq!(text(Form::Json, json!({"a": [1]})), "{\"a\":[1]}");
        assert_eq!(text(Form::Json, json!("{\"a\": 1}")), "{\"a\":1}");
        let value = json!({"a": "x y", "b": [1, 2], "c": {"d": null}, "e": null});
        assert_eq!(
            text(Form::UrlEncoded(Default::default()), value),
            "a=x%20y&b=1&b=2&c=%7B%22d%22%3Anull%7D"
        );
        assert_eq!(write(Form::File, json!("a.txt")), Ok(("text/plain".to_owned(), "content".to_owned())));
        let part = Part { content: PartContent::File, content_type: None };
        let form = Form::Multipart([("f".to_owned(), part)].into());
        let text = text(form, json!({"f": ["a.txt"], "g": {"h": 1}}));
        assert!(text.contains("filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n"), "{text}");
        assert!(text.contains("name=\"g\"\r\nContent-Type: application/json\r\n\r\n{\"h\":1}\r\n"), "{text}");
    }

    #[test]
    fn values_that_do_not_fit_are_named() {
        let message = |form, value| write(form, value).expect_err("does not fit").message;
        assert_eq!(
            message(Form::Text, json!([1])),
            "body: found [1], expected a text, a number, true or false"
        );
        assert_eq!(message(Form::File, json!(1)), "body: found 1, expected the path of a file");
        let error = message(Form::UrlEncoded(Default::default()), json!([1]));
        assert_eq!(error, "body: found [1], expected an object of fields");
        assert!(message(Form::File, json!("../secret")).starts_with("body: found no file `../secret`"));
    }
}
