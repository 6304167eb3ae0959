//! [`python_str`]: a JSON value as Python prints it, which is part of the texts of some sets.

use serde_json::{Map, Number, Value};

/// `str(value)`: texts as they are, everything else as [`python_repr`].
pub(super) fn python_str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => python_repr(other),
    }
}

/// `repr(value)`: the literal that Python reads as this value.
pub(super) fn python_repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number_repr(number),
        Value::String(text) => text_repr(text),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(python_repr).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(map) => map_repr(map),
    }
}

fn map_repr(map: &Map<String, Value>) -> String {
    let entries: Vec<String> =
        map.iter().map(|(key, value)| format!("{}: {}", text_repr(key), python_repr(value))).collect();
    format!("{{{}}}", entries.join(", "))
}

/// Python writes an exponent for less than 1e-4 and for 1e16 and more, with at least two digits.
fn number_repr(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    if float == 0.0 || (1e-4..1e16).contains(&float.abs()) {
        return format!("{float:?}");
    }
    let text = format!("{float:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// Single quotes, unless the text has those and no double ones.
fn text_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut repr = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => repr.push_str("\\\\"),
            '\n' => repr.push_str("\\n"),
            '\r' => repr.push_str("\\r"),
            '\t' => repr.push_str("\\t"),
            _ if character == quote => repr.extend(['\\', quote]),
            _ if character.is_control() => repr.push_str(&format!("\\x{:02x}", u32::from(character))),
            '\u{a0}' | '\u{ad}' => repr.push_str(&format!("\\x{:02x}", u32::from(character))),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{3000}' | '\u{feff}' => {
                repr.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => repr.push(character),
        }
    }
    repr.push(quote);
    repr
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_printed_as_python_prints_them() {
        let value = json!({"a": [1, -2.5, true, null], "it's": "say \"x\"", "b": "it's", "c": "1\n\t\\", "d": "中\u{3000}"});
        let expected = "{'a': [1, -2.5, True, None], \"it's\": 'say \"x\"', 'b': \"it's\", 'c': '1\\n\\t\\\\', \
                        'd': '中\\u3000'}";
        assert_eq!(python_str(&value), expected);
        assert_eq!(python_str(&json!("it's")), "it's");
        let floats = json!([1e16, 1.5e-5, 0.0001, 123456.75, 1.0, -2e300]);
        assert_eq!(python_repr(&floats), "[1e+16, 1.5e-05, 0.0001, 123456.75, 1.0, -2e+300]");
        assert_eq!(python_repr(&json!("'\"")), "'\\'\"'");
    }
}
