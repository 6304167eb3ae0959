//! Values as Python prints them. Published prompts were formatted with `str(value)`, so every prompt with a list
//! or a number depends on it.

use serde_json::{Map, Value};

/// Prints a value as Python's `str(value)` does.
///
/// ```
/// use opencompass::prompt::python_str;
/// use serde_json::json;
/// assert_eq!(python_str(&json!(["it's", 1, null, true])), r#"["it's", 1, None, True]"#);
/// assert_eq!(python_str(&json!("as it is")), "as it is");
/// ```
#[must_use]
pub fn python_str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => python_repr(other),
    }
}

/// Prints a value as Python's `repr(value)` does.
pub(crate) fn python_repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => python_float(float),
            _ => number.to_string(),
        },
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(python_repr).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), python_repr(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// Prints a float as `repr` does: the shortest digits that read back to it, with an exponent outside of
/// 1e-4..1e16.
pub(crate) fn python_float(float: f64) -> String {
    if !float.is_finite() {
        return if float.is_nan() { "nan" } else { if float > 0.0 { "inf" } else { "-inf" } }.to_owned();
    }
    let magnitude = float.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e').expect("`{:e}` prints an exponent");
        let exponent: i32 = exponent.parse().expect("`{:e}` prints an integer exponent");
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let text = float.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// Prints a string as `repr` does: in single quotes, unless it contains single quotes and no double quotes. What is not
/// printable is escaped by its number.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut result = String::with_capacity(text.len() + 2);
    result.push(quote);
    for character in text.chars() {
        match character {
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            '\\' => result.push_str("\\\\"),
            other if other == quote => result.extend(['\\', quote]),
            other if is_printable(other) => result.push(other),
            other => {
                let number = u32::from(other);
                result.push_str(&match number {
                    0..=0xff => format!("\\x{number:02x}"),
                    0x100..=0xffff => format!("\\u{number:04x}"),
                    _ => format!("\\U{number:08x}"),
                });
            }
        }
    }
    result.push(quote);
    result
}

/// Says whether Python prints a character as it is (`str.isprintable`). Controls, marks of format, separators other than
/// the space, and private characters are not printable; numbers that Unicode has not assigned are taken as printable.
fn is_printable(character: char) -> bool {
    let is_format = matches!(u32::from(character),
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2 | 0x180e | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x2064 | 0x2066..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0x110bd | 0x110cd
        | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0001 | 0xe0020..=0xe007f);
    let is_private = matches!(u32::from(character), 0xe000..=0xf8ff | 0xf_0000..=0x10_ffff);
    let is_space = character.is_whitespace() && character != ' ';
    !(character.is_control() || is_format || is_private || is_space)
}

/// Replaces `{field}` by the value of the field, one field after the other. A value that contains `{other}` is
/// therefore replaced too if `other` comes later, as in upstream. Unknown braces stay.
#[must_use]
pub fn format_fields(text: &str, fields: &Map<String, Value>) -> String {
    let mut result = text.to_owned();
    for (name, value) in fields {
        let mark = format!("{{{name}}}");
        if result.contains(&mark) {
            result = result.replace(&mark, &python_str(value));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn floats_print_as_python_prints_them() {
        let cases =
            [(5000.0, "5000.0"), (1e16, "1e+16"), (1.5e-7, "1.5e-07"), (0.0001, "0.0001"), (0.0, "0.0")];
        for (float, text) in cases {
            assert_eq!(python_float(float), text);
        }
    }

    #[test]
    fn what_is_not_printable_is_escaped() {
        let text = "a\u{a0}\u{200b}\u{3000}\u{7f}\u{2028}é你😀\u{e000}\u{f0000}\u{ad}";
        let expected = r"'a\xa0\u200b\u3000\x7f\u2028é你😀\ue000\U000f0000\xad'";
        assert_eq!(python_repr(&serde_json::json!(text)), expected);
        assert_eq!(python_repr(&serde_json::json!(["it's", "\"'", "1\t"])), r#"["it's", '"\'', '1\t']"#);
    }

    #[test]
    fn a_value_with_braces_is_replaced_by_a_later_field() {
        let fields = json!({"a": "{b}", "b": "end {a}"});
        let fields = fields.as_object().expect("an object");
        assert_eq!(format_fields("{a} {c}", fields), "end {a} {c}");
    }
}
