//! JSON as Python's `json.dumps(value, ensure_ascii=False)` writes it: `", "` and `": "` between things.
//!
//! The chat format was trained on such text, so calls are rendered the same way.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// One line of JSON with Python's separators; keys keep their order.
///
/// ```
/// let value = serde_json::json!({"b": [1, 2], "a": "ä"});
/// assert_eq!(lmdeploy::parse::python_json(&value), r#"{"b": [1, 2], "a": "ä"}"#);
/// ```
///
/// # Panics
/// Never: a value has string keys and writing to memory succeeds.
#[must_use]
pub fn python_json(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PythonFormatter);
    value.serialize(&mut serializer).expect("a value has string keys and writing to memory succeeds");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

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
