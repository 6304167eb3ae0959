//! The code in what a model wrote: inside a fence, a span between back-quotes, or an object `{"code": ..}`.

use serde_json::Value;

/// The code in `text`; a text without any of the forms is the code itself.
pub(super) fn code_in(text: &str) -> String {
    if let Some(code) = fenced(text) {
        return code.to_owned();
    }
    if let Some(Value::Object(object)) = object_in(text)
        && let Some(Value::String(code)) = object.get("code")
    {
        return code.clone();
    }
    span(text).unwrap_or(text).to_owned()
}

/// The inside of the first fence. A fence that does not end, because the answer was cut, ends with the text.
fn fenced(text: &str) -> Option<&str> {
    let (before, rest) = text.split_once("```")?;
    if !is_prose(before) {
        return None;
    }
    // What follows the fence on its line is the name of a language, unless the fence ends on the same line.
    let (first, below) = rest.split_once('\n').unwrap_or((rest, ""));
    let inside = match first.split_once("```") {
        Some((inside, _)) => inside.trim_start_matches("python"),
        None => below,
    };
    Some(inside.split("```").next().unwrap_or(inside))
}

fn object_in(text: &str) -> Option<Value> {
    serde_json::from_str(text.trim()).ok()
}

/// The inside of the first pair of back-quotes, which Python has only in texts and comments.
fn span(text: &str) -> Option<&str> {
    let (before, rest) = text.split_once('`')?;
    let (inside, _) = rest.split_once('`')?;
    (is_prose(before) && !inside.trim().is_empty()).then_some(inside)
}

/// Whether a back-quote after `before` is outside of Python's texts and comments.
fn is_prose(before: &str) -> bool {
    let mut rest = before;
    while let Some(at) = rest.find(['#', '"', '\'']) {
        let found = &rest[at..];
        rest = if found.starts_with('#') {
            match found.split_once('\n') {
                Some((_, below)) => below,
                // A heading of Markdown begins its line, but so do many comments.
                None => return false,
            }
        } else if let Some(quotes) = ["\"\"\"", "'''"].into_iter().find(|quotes| found.starts_with(quotes)) {
            match found[3..].split_once(quotes) {
                Some((_, after)) => after,
                None => return false,
            }
        } else {
            let line = found.lines().next().unwrap_or(found);
            match line[1..].find(&found[..1]) {
                Some(end) => &found[end + 2..],
                // An apostrophe: a text of Python ends on its line, unless the back-quote is in it.
                None if found.len() > line.len() => &found[1..],
                None => return found.starts_with('\'') && is_word(&rest[..at]),
            }
        };
    }
    true
}

/// Whether `before` ends with a word that is not one of the prefixes of Python's texts.
fn is_word(before: &str) -> bool {
    const PREFIXES: [&str; 8] = ["r", "u", "b", "f", "br", "rb", "fr", "rf"];
    let start = before.trim_end_matches(char::is_alphabetic).len();
    let word = before[start..].to_lowercase();
    !word.is_empty() && !PREFIXES.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_found_in_every_form() {
        for (text, code) in [
            ("x = 1", "x = 1"),
            ("see:\n```python\nx\ny\n```\nand ```y```", "x\ny\n"),
            ("```\nx", "x"),
            ("```py\nx\n```", "x\n"),
            ("```x```", "x"),
            ("run `print(1)` please", "print(1)"),
            ("Here's the code: `x`", "x"),
            (r#"{"code": "x = '`'"}"#, "x = '`'"),
            (r#"{"other": 1}"#, r#"{"other": 1}"#),
            ("`", "`"),
        ] {
            assert_eq!(code_in(text), code, "{text}");
        }
    }

    #[test]
    fn quotes_inside_python_are_left_alone() {
        for code in [
            "x = 1  # see `y` here",
            "s = 'a `b` c'\nprint(s)",
            "s = f'`{x}`'",
            "s = \"it's `b`\"",
            "'''doc `b`\n```\nx\n```\n'''\nx = 1",
            "s = \"```\\nx\\n```\"",
        ] {
            assert_eq!(code_in(code), code);
        }
    }
}
