//! JSON as Python's `json.dumps(value, ensure_ascii=False)` writes it: one line, `", "` and `": "`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// `value` as Python's `json.dumps(value, ensure_ascii=False)` writes it: the form models were trained on.
///
/// ```
/// use internlm_model::chat::python_json;
///
/// assert_eq!(python_json(&serde_json::json!({"a": [1, "é\n"]})), r#"{"a": [1, "é\n"]}"#);
/// ```
#[must_use]
pub fn python_json(value: &Value) -> String {
    let mut bytes = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, PythonFormatter))
        .expect("a JSON value in memory always serializes");
    String::from_utf8(bytes).expect("serde_json writes UTF-8")
}

/// Compact but for the spaces behind commas and colons.
struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}
