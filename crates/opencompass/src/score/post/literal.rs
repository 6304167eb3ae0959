//! String literals of Python: what `eval` makes of an answer that is one.
//!
//! Some services return the `repr` of their answers, so two of upstream's functions evaluate the text first. Only
//! string literals are read here; other Python code is not run and stays as it is.

use super::python::strip;

/// The string that a text means if it is a string literal of Python, or the text itself.
pub(super) fn evaluated(text: &str) -> String {
    string(text).unwrap_or_else(|| text.to_owned())
}

/// Reads one string literal or several in a row, which Python joins. `None` for everything else.
pub(super) fn string(text: &str) -> Option<String> {
    let mut rest = strip(text);
    let mut joined = None::<String>;
    while !rest.is_empty() {
        let (part, behind) = literal(rest)?;
        joined.get_or_insert_default().push_str(&part);
        rest = behind.trim_start_matches([' ', '\t']);
    }
    joined
}

/// One literal and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let quote = text.find(['"', '\''])?;
    let raw = match text[..quote].to_ascii_lowercase().as_str() {
        "" | "u" => Raw::No,
        "r" => Raw::Yes,
        _ => return None,
    };
    let body = &text[quote..];
    let mark = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|mark| body.starts_with(mark))?;
    let mut rest = &body[mark.len()..];
    let mut result = String::new();
    loop {
        if let Some(behind) = rest.strip_prefix(mark) {
            return Some((result, behind));
        }
        let letter = rest.chars().next()?;
        rest = &rest[letter.len_utf8()..];
        match letter {
            '\n' if mark.len() == 1 => return None,
            '\\' => rest = escape(rest, &raw, &mut result)?,
            other => result.push(other),
        }
    }
}

/// Whether backslashes stay.
enum Raw {
    Yes,
    No,
}

/// Reads what follows a backslash and returns the rest.
fn escape<'a>(text: &'a str, raw: &Raw, result: &mut String) -> Option<&'a str> {
    let letter = text.chars().next()?;
    let rest = &text[letter.len_utf8()..];
    if matches!(raw, Raw::Yes) {
        result.extend(['\\', letter]);
        return Some(rest);
    }
    let plain = match letter {
        '\n' => return Some(rest),
        '\\' | '\'' | '"' => letter,
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        'x' => return code(rest, 2, result),
        'u' => return code(rest, 4, result),
        'U' => return code(rest, 8, result),
        '0'..='7' => return octal(text, result),
        'N' => return None,
        other => {
            result.push('\\');
            other
        }
    };
    result.push(plain);
    Some(rest)
}

/// A letter by its number in a fixed number of hexadecimal digits.
fn code<'a>(text: &'a str, digits: usize, result: &mut String) -> Option<&'a str> {
    let number = text.get(..digits).filter(|number| number.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    result.push(char::from_u32(u32::from_str_radix(number, 16).ok()?)?);
    Some(&text[digits..])
}

/// A letter by its number in up to three octal digits.
fn octal<'a>(text: &'a str, result: &mut String) -> Option<&'a str> {
    let digits = text.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    result.push(char::from_u32(u32::from_str_radix(&text[..digits], 8).ok()?)?);
    Some(&text[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_as_python_reads_them() {
        for (text, value) in [
            (r"'a\nb'", Some("a\nb")),
            (r#" "it's" "#, Some("it's")),
            (r"r'a\n'", Some(r"a\n")),
            ("'a' \"b\"", Some("ab")),
            ("'''a\n'b'''", Some("a\n'b")),
            (r"'\x41\u597d\101\q'", Some(r"A好A\q")),
            ("'a\nb'", None),
            ("b'a'", None),
            ("'a", None),
            ("a", None),
            ("", None),
            ("'a'.upper()", None),
            ("\n'a'", Some("a")),
        ] {
            assert_eq!(string(text).as_deref(), value, "{text}");
        }
        assert_eq!(evaluated("x + 1"), "x + 1");
    }
}
