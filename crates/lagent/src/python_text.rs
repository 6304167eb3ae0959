//! Values printed as Python prints them: `repr`, sets, `json.dumps` and `str.format`. Lagent's prompts consist of
//! such text, so byte equality with upstream depends on it.

use std::fmt::Write;

use serde_json::Value;

/// The `ensure_ascii` argument of `json.dumps`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NonAscii {
    /// `ensure_ascii=False`: characters stay as they are.
    Keep,
    /// `ensure_ascii=True`, Python's default: characters outside ASCII become `\u` and four hexadecimal digits.
    Escape,
}

/// The `indent` argument of `json.dumps`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Layout {
    /// `indent=None`: one line with `", "` and `": "` as separators.
    Line,
    /// `indent=N`: one item per line, indented by N spaces per level.
    Indent(usize),
}

/// Prints a value as Python's `json.dumps(value)` does.
#[must_use]
pub(crate) fn json_dumps(value: &Value, non_ascii: NonAscii, layout: Layout) -> String {
    let mut text = String::new();
    dump(value, non_ascii, layout, 0, &mut text);
    text
}

fn dump(value: &Value, non_ascii: NonAscii, layout: Layout, depth: usize, text: &mut String) {
    let newline = |text: &mut String, depth: usize| {
        if let Layout::Indent(width) = layout {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', width * depth));
        }
    };
    let comma = if layout == Layout::Line { ", " } else { "," };
    match value {
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { comma });
                newline(text, depth + 1);
                dump(item, non_ascii, layout, depth + 1, text);
            }
            newline(text, depth);
            text.push(']');
        }
        Value::Object(entries) if !entries.is_empty() => {
            text.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { comma });
                newline(text, depth + 1);
                quote(key, non_ascii, text);
                text.push_str(": ");
                dump(item, non_ascii, layout, depth + 1, text);
            }
            newline(text, depth);
            text.push('}');
        }
        Value::String(string) => quote(string, non_ascii, text),
        other => text.push_str(&other.to_string()),
    }
}

fn quote(string: &str, non_ascii: NonAscii, text: &mut String) {
    let quoted = Value::from(string).to_string();
    if non_ascii == NonAscii::Keep {
        text.push_str(&quoted);
        return;
    }
    for character in quoted.chars() {
        if character.is_ascii() {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            write_to(text, format_args!("\\u{unit:04x}"));
        }
    }
}

/// Prints a value as Python's `repr(json.loads(text))` does.
#[must_use]
pub(crate) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(string) => repr_text(string),
        Value::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, item)| format!("{}: {}", repr_text(key), repr(item)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Prints a text as `repr` does: in single quotes, unless it contains single quotes and no double quotes.
fn repr_text(string: &str) -> String {
    let quote = if string.contains('\'') && !string.contains('"') { '"' } else { '\'' };
    let mut text = String::from(quote);
    for character in string.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            _ if character == quote => text.extend(['\\', quote]),
            _ if character.is_control() => write_to(&mut text, format_args!("\\x{:02x}", character as u32)),
            _ => text.push(character),
        }
    }
    text.push(quote);
    text
}

/// Prints a set of names as Python does. Python's order is random; here it is the given order.
pub(crate) fn python_set(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| repr_text(name)).collect();
    format!("{{{}}}", names.join(", "))
}

/// Fills in the fields of a text like Python's `str.format`. Doubled braces are literal; a brace that does not
/// belong to one of the fields stays as it is, where Python raises an error.
pub(crate) fn format_fields(template: &str, fields: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        let field = fields.iter().find_map(|(name, value)| {
            let after = rest.strip_prefix(name)?.strip_prefix('}')?;
            (brace == "{").then_some((after, *value))
        });
        match field {
            Some((after, value)) => {
                text.push_str(value);
                rest = after;
            }
            None => text.push_str(brace),
        }
    }
    text.push_str(rest);
    text
}

fn write_to(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a String does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn dumps_as_python_does() {
        let value = json!({"a": [1, "ü\n𝄞"], "b": {}, "c": []});
        assert_eq!(
            json_dumps(&value, NonAscii::Escape, Layout::Line),
            r#"{"a": [1, "\u00fc\n\ud834\udd1e"], "b": {}, "c": []}"#
        );
        let indented = json_dumps(&json!({"a": [1, "ü"], "b": {}}), NonAscii::Keep, Layout::Indent(4));
        assert_eq!(indented, "{\n    \"a\": [\n        1,\n        \"ü\"\n    ],\n    \"b\": {}\n}");
    }

    #[test]
    fn repr_as_python_does() {
        let value = json!([null, true, 1.5, "it's", "say \"it's\"", "a\\b\n\u{1}", {"k": false}]);
        let expected = r#"[None, True, 1.5, "it's", 'say "it\'s"', 'a\\b\n\x01', {'k': False}]"#;
        assert_eq!(repr(&value), expected);
    }

    #[test]
    fn format_fills_in_as_python_does() {
        let fields = [("a", "1"), ("ab", "{a}")];
        for (template, expected) in [
            ("{a}{ab}", "1{a}"),
            (r"\boxed{{}} {a}", r"\boxed{} 1"),
            ("{{a}}", "{a}"),
            ("{c} } {", "{c} } {"),
        ] {
            assert_eq!(format_fields(template, &fields), expected, "{template}");
        }
    }

    /// JSON of every kind, a few levels deep.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("\\PC{0,5}", inner, 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn dumped_json_reads_back_in_every_layout(value in value(), indent in 0_usize..5) {
            for layout in [Layout::Line, Layout::Indent(indent)] {
                for non_ascii in [NonAscii::Keep, NonAscii::Escape] {
                    let text = json_dumps(&value, non_ascii, layout);
                    let again: Value = serde_json::from_str(&text).expect("JSON");
                    prop_assert_eq!(&again, &value, "{}", text);
                    prop_assert!(non_ascii == NonAscii::Keep || text.is_ascii(), "{}", text);
                }
            }
            prop_assert!(!repr(&value).contains('\n'));
        }
    }
}
