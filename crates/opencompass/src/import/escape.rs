//! Escapes of Python strings.

/// Replaces the escapes of a string that is not raw. An unknown escape keeps its backslash, as in Python.
pub(super) fn unescape(body: &str) -> Result<String, String> {
    let mut result = String::with_capacity(body.len());
    let mut rest = body.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '\\' {
            result.push(character);
            continue;
        }
        let Some(kind) = rest.next() else {
            return Err("string: found a backslash at its end".to_owned());
        };
        let plain = match kind {
            '\n' => continue,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' | '\'' | '"' => kind,
            '0'..='7' => {
                let mut number = kind.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = rest.peek().and_then(|next| next.to_digit(8)) else { break };
                    number = number * 8 + digit;
                    rest.next();
                }
                scalar(number)?
            }
            'x' => hexadecimal(&mut rest, 2)?,
            'u' => hexadecimal(&mut rest, 4)?,
            'U' => hexadecimal(&mut rest, 8)?,
            'N' => return Err(r"string: `\N{...}` is not supported".to_owned()),
            other => {
                result.push('\\');
                other
            }
        };
        result.push(plain);
    }
    Ok(result)
}

fn hexadecimal(rest: &mut impl Iterator<Item = char>, count: usize) -> Result<char, String> {
    let digits: String = rest.take(count).collect();
    match u32::from_str_radix(&digits, 16) {
        Ok(number) if digits.chars().filter(char::is_ascii_hexdigit).count() == count => scalar(number),
        _ => Err(format!("string: found `{digits}` in an escape, expected {count} hexadecimal digits")),
    }
}

fn scalar(number: u32) -> Result<char, String> {
    char::from_u32(number)
        .ok_or_else(|| format!("string: found the escape of {number:#x}, which is not a character"))
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_those_of_python() {
        let cases = [
            (r"a\tb\\n", "a\tb\\n"),
            (r"\x41\u00e9\U0001f600\101", "Aé😀A"),
            (r"\d\pi", r"\d\pi"),
            ("a\\\nb", "ab"),
        ];
        for (body, text) in cases {
            assert_eq!(unescape(body).as_deref(), Ok(text));
        }
        assert!(unescape(r"\ud83d").is_err() && unescape(r"\x4").is_err() && unescape(r"\N{DASH}").is_err());
    }
}
