//! JSON as Python's `json.dumps(value, ensure_ascii=False)` writes it: one line, `", "` and `": "`, and floats as `repr`
//! writes them.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// `value` as Python's `json.dumps(value, ensure_ascii=False)` writes it: the form models were trained on.
pub(super) fn python_json(value: &Value) -> String {
    write(value, PythonFormatter)
}

/// The same over several lines: `json.dumps(value, ensure_ascii=False, indent=indent)`.
pub(super) fn indented_python_json(value: &Value, indent: usize) -> String {
    let spaces = " ".repeat(indent);
    write(value, IndentedFormatter(PrettyFormatter::with_indent(spaces.as_bytes())))
}

fn write(value: &Value, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        .expect("a JSON value in memory always serializes");
    String::from_utf8(bytes).expect("serde_json writes UTF-8")
}

/// A float as Python's `repr` writes it: the shortest digits that give it back, with an exponent of at least two digits
/// below 0.0001 and from 1e16 on.
fn python_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let parts = scientific.split_once('e');
    let parts = parts.and_then(|(digits, power)| Some((digits, power.parse::<i32>().ok()?)));
    let (digits, power) = parts.expect("`{:e}` writes digits and a power of ten");
    if (-4..16).contains(&power) {
        return format!("{value:?}");
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.unsigned_abs())
}

/// Compact but for the spaces after commas and colons.
struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(python_float(value).as_bytes())
    }

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

/// `serde_json`'s lines, which are Python's, with Python's floats.
struct IndentedFormatter<'a>(PrettyFormatter<'a>);

impl Formatter for IndentedFormatter<'_> {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(python_float(value).as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Floats and what `json.dumps` of Python 3 writes for them.
    const FLOATS: [(f64, &str); 14] = [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (100.0, "100.0"),
        (-2.5, "-2.5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-4, "0.0001"),
        (1.25e-4, "0.000125"),
        (1e-5, "1e-05"),
        (-1.5e-10, "-1.5e-10"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (-1.2e22, "-1.2e+22"),
        (f64::MAX, "1.7976931348623157e+308"),
        (5e-324, "5e-324"),
    ];

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (float, expected) in FLOATS {
            assert_eq!(python_json(&Value::from(float)), expected);
        }
    }

    #[test]
    fn lines_and_separators_are_those_of_python() {
        let value = serde_json::json!({"a": [1, 1e-7, []], "é\n\u{7}": {"x": {}, "y": 1e16}});
        // json.dumps(value, ensure_ascii=False), then with indent=2
        assert_eq!(python_json(&value), r#"{"a": [1, 1e-07, []], "é\n\u0007": {"x": {}, "y": 1e+16}}"#);
        let lines = "{\n  \"a\": [\n    1,\n    1e-07,\n    []\n  ],\n  \"é\\n\\u0007\": {\n    \"x\": {},\n    \"y\": 1e+16\n  }\n}";
        assert_eq!(indented_python_json(&value, 2), lines);
    }
}
