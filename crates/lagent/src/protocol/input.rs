//! Reads the input of a call: JSON, Python's form of it, or plain text, with or without a fence around it.

use serde_json::Value;

use crate::literal::read_literal;

/// The arguments that an action input means: an object, or a bare text.
///
/// # Errors
/// An object that cannot be read, in words for the model.
pub(super) fn arguments(input: &str) -> Result<Value, String> {
    let text = unfenced(input.trim());
    let problem = match serde_json::from_str::<Value>(text) {
        Ok(value @ Value::Object(_)) => return Ok(value),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    match read_literal(text).map(|(value, rest)| (inner(value), rest)) {
        Some((value @ Value::Object(_), rest)) if is_aside(rest) => Ok(value),
        Some((value @ Value::String(_), rest)) if rest.trim().is_empty() => Ok(value),
        _ => match problem.filter(|_| is_meant_as_object(text)) {
            Some(error) => Err(format!("the action input is not valid JSON ({error}), expected an object")),
            None => Ok(Value::from(text)),
        },
    }
}

/// The object inside a text that encodes it once more, or that is the only element of a list.
fn inner(value: Value) -> Value {
    let inside = match &value {
        Value::String(text) => serde_json::from_str(text).ok(),
        Value::Array(values) if values.len() == 1 => values.first().cloned(),
        _ => None,
    };
    inside.filter(Value::is_object).unwrap_or(value)
}

/// Whether what is behind an object is a remark: on another line, or without another object.
fn is_aside(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or_default();
    !line.contains(['{', '[', '}', ']'])
}

/// A brace and a key in quotes: no text of another kind begins like this.
fn is_meant_as_object(text: &str) -> bool {
    text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '\'', '“']))
}

/// The text inside a fence, or inside the back quotes of code in a line. What follows the fence is a remark.
fn unfenced(text: &str) -> &str {
    for mark in ["```", "~~~"] {
        if let Some(rest) = text.strip_prefix(mark) {
            return block(rest, mark);
        }
        // The end of a fence around the whole reply.
        if let Some(before) = text.strip_suffix(mark).filter(|before| before.ends_with('\n')) {
            return before.trim_end();
        }
    }
    let code = text.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    code.filter(|code| !code.contains('`')).map_or(text, str::trim)
}

/// The content of a block whose opening mark was taken.
fn block<'t>(rest: &'t str, mark: &str) -> &'t str {
    let line = rest.lines().next().unwrap_or_default();
    // The rest of the first line is the name of a language, or the block is one line.
    let language = line.split(|character: char| !character.is_alphanumeric()).next().unwrap_or_default();
    let one_line = line.contains(mark)
        || language.starts_with(|first: char| first.is_ascii_digit())
        || !line[language.len()..].trim().is_empty();
    let body = match rest.split_once('\n') {
        Some((_, body)) if !one_line => body,
        _ => &rest[if is_language(language) { language.len() } else { 0 }..],
    };
    let end = body.find(&format!("\n{mark}")).or_else(|| body.find(mark)).unwrap_or(body.len());
    body[..end].trim_start_matches(['\n', '\r']).trim_end()
}

/// The languages that are named in front of an input on the same line.
fn is_language(word: &str) -> bool {
    ["json", "python", "py", "text"].iter().any(|language| word.eq_ignore_ascii_case(language))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_read_in_every_form() {
        let expected = json!({"expression": "12*34"});
        for input in [
            r#" {"expression": "12*34"}"#,
            "\n```json\n{\n  \"expression\": \"12*34\"\n}\n```\n",
            "```\n{\"expression\": \"12*34\"}\n```",
            "~~~json\n{'expression': '12*34',}\n~~~",
            "```json {\"expression\": \"12*34\"}```",
            "```{\"expression\": \"12*34\"}```",
            "```json\n{\"expression\": \"12*34\"}",
            "`{\"expression\": \"12*34\"}`",
            "{'expression': '12*34'}",
            "{\"expression\": \"12*34\"}\n```",
            "{\"expression\": \"12*34\"}\n\nNow I wait for the result.",
            "```json\n{\"expression\": \"12*34\"}\n```\nNow I wait for the result.",
            "{\"expression\": \"12*34\"} and now I wait",
            "{\"expression\": \"12*34\"}<|im_end|>",
            "\"{\\\"expression\\\": \\\"12*34\\\"}\"",
            "[{\"expression\": \"12*34\"}]",
            "{expression: \"12*34\"}",
            "{“expression”: “12*34”}",
        ] {
            assert_eq!(arguments(input), Ok(expected.clone()), "{input}");
        }
        let flags = json!({"a": true, "b": null, "c": [1]});
        assert_eq!(arguments("{'a': True, 'b': None, 'c': (1,)}"), Ok(flags));
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        for (input, expected) in [
            (" 12*34\n", "12*34"),
            ("42", "42"),
            ("\"12*34\"", "12*34"),
            ("'12*34'", "12*34"),
            ("```\n12*34\n```", "12*34"),
            ("```12*34```", "12*34"),
            ("```\n42\n```", "42"),
            ("```42\n```", "42"),
            ("```python\n  x = 1\n\n  print(x)\n```", "  x = 1\n\n  print(x)"),
            ("print(\"a\")", "print(\"a\")"),
            ("x = \"a\"", "x = \"a\""),
            ("\"a\" + \"b\"", "\"a\" + \"b\""),
            ("{1, 2}", "{1, 2}"),
            ("[1, 2]", "[1, 2]"),
            ("", ""),
        ] {
            assert_eq!(arguments(input), Ok(Value::from(expected)), "{input}");
        }
    }

    #[test]
    fn an_object_that_cannot_be_read_is_a_problem_and_no_text() {
        for input in ["{\"expression\": 12*34}", "{'a': 1", "{\"a\": 1} {\"a\": 2}"] {
            let problem = arguments(input).expect_err(input);
            assert!(problem.starts_with("the action input is not valid JSON ("), "{problem}");
        }
    }
}
