//! Values as Python's `str` and `repr` write them: what a Jinja2 template prints.

use minijinja::Value;
use minijinja::value::ValueKind;

/// `str(value)`: texts as they are, undefined values as nothing, everything else as [`repr`] writes it.
pub(super) fn text(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined => String::new(),
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        _ => repr(value),
    }
}

/// `repr(value)`, as inside of lists and dicts.
pub(super) fn repr(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined => "Undefined".to_owned(),
        ValueKind::String => quoted(value.as_str().unwrap_or_default()),
        ValueKind::Number => number(value),
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => container(value),
        _ => value.to_string(),
    }
}

/// A number as Python writes it.
fn number(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(float) if !value.is_integer() => python_float(float),
        _ => value.to_string(),
    }
}

/// A float as Python's `repr` writes it: the shortest digits that give it back, with an exponent of at least two digits
/// below 0.0001 and from 1e16 on.
pub(super) fn python_float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
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

/// Lists, tuples and dicts with the `repr` of what they hold. Objects of the template engine, such as namespaces, have
/// a text of their own.
fn container(value: &Value) -> String {
    let shown = value.to_string();
    let items = || value.try_iter().map(Iterator::collect::<Vec<Value>>).unwrap_or_default();
    match shown.as_bytes().first() {
        Some(b'{') => {
            let pair = |key: &Value| {
                let value = value.get_item(key).unwrap_or_default();
                format!("{}: {}", repr(key), repr(&value))
            };
            format!("{{{}}}", items().iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Some(b'[') => format!("[{}]", items().iter().map(repr).collect::<Vec<_>>().join(", ")),
        Some(b'(') => {
            let items: Vec<String> = items().iter().map(repr).collect();
            let comma = if items.len() == 1 { "," } else { "" };
            format!("({}{comma})", items.join(", "))
        }
        _ => shown,
    }
}

/// A text in the quotes that Python chooses, with escapes for what cannot be printed.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if character == quote => quoted.extend(['\\', quote]),
            _ if is_printable(character) => quoted.push(character),
            _ => {
                let code = u32::from(character);
                quoted.push_str(&match code {
                    0..=0xff => format!("\\x{code:02x}"),
                    0x100..=0xffff => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                });
            }
        }
    }
    quoted.push(quote);
    quoted
}

/// Python's `str.isprintable` for one character: neither a control or format character, nor a space other than the
/// ASCII one, nor for private use. Code points that Unicode has not assigned count as printable here.
fn is_printable(character: char) -> bool {
    let is_format = matches!(character,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}');
    let is_private = matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    character == ' ' || !(character.is_control() || character.is_whitespace() || is_format || is_private)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (float, expected) in [
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
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(python_float(float), expected);
        }
    }

    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        // repr() of CPython 3.11
        for (text, expected) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("'\"", "'\\'\"'"),
            ("\\\n\t\r\u{7}\u{7f}", "'\\\\\\n\\t\\r\\x07\\x7f'"),
            ("é\u{a0}\u{ad}\u{200b}\u{2028}\u{e0001}", "'é\\xa0\\xad\\u200b\\u2028\\U000e0001'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
