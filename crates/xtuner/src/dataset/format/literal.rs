//! [`parse_literal`]: Python's literals of lists, dictionaries and texts, in which some sets hold their conversations.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Number, Value};

/// Depth of lists inside of lists that is read; texts of sets have three.
const DEPTH: usize = 32;

/// Reads a literal as Python's `ast.literal_eval` does, for the kinds that JSON has.
///
/// # Errors
/// What was found instead of a part of a literal.
pub(super) fn parse_literal(text: &str) -> Result<Value, String> {
    let mut reader = Reader { rest: text.chars().peekable(), depth: 0 };
    let value = reader.value()?;
    match reader.next_sign() {
        None => Ok(value),
        Some(sign) => Err(format!("`{sign}` after the literal")),
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    depth: usize,
}

impl Reader<'_> {
    /// The next character that is not white space, not taken.
    fn next_sign(&mut self) -> Option<char> {
        while self.rest.next_if(|sign| sign.is_whitespace()).is_some() {}
        self.rest.peek().copied()
    }

    /// Takes `sign` if it is next.
    fn take(&mut self, sign: char) -> bool {
        self.next_sign() == Some(sign) && self.rest.next().is_some()
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.next_sign() {
            Some('[') => Ok(Value::Array(self.nested(|reader| reader.list(']'))?)),
            Some('(') => Ok(Value::Array(self.nested(|reader| reader.list(')'))?)),
            Some('{') => Ok(Value::Object(self.nested(Self::map)?)),
            Some('\'' | '"') => self.text().map(Value::String),
            Some(sign) if sign.is_ascii_alphabetic() => self.word(),
            Some(sign) if sign.is_ascii_digit() || "+-.".contains(sign) => self.number(),
            Some(sign) => Err(format!("`{sign}`")),
            None => Err("the end of the text".to_owned()),
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        self.rest.next();
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("lists inside of lists, more than {DEPTH}"));
        }
        let read = read(self)?;
        self.depth -= 1;
        Ok(read)
    }

    fn list(&mut self, end: char) -> Result<Vec<Value>, String> {
        let mut values = Vec::new();
        while !self.take(end) {
            values.push(self.value()?);
            self.separator(end)?;
        }
        Ok(values)
    }

    fn map(&mut self) -> Result<Map<String, Value>, String> {
        let mut map = Map::new();
        while !self.take('}') {
            if !matches!(self.next_sign(), Some('\'' | '"')) {
                return Err("a key that is not text".to_owned());
            }
            let key = self.text()?;
            if !self.take(':') {
                return Err(format!("no `:` after the key '{key}'"));
            }
            let value = self.value()?;
            map.insert(key, value);
            self.separator('}')?;
        }
        Ok(map)
    }

    /// A comma, or the end, which is not taken.
    fn separator(&mut self, end: char) -> Result<(), String> {
        if self.take(',') || self.next_sign() == Some(end) {
            return Ok(());
        }
        let found = self.next_sign().map_or("the end of the text".to_owned(), |sign| format!("`{sign}`"));
        Err(format!("{found}, where `,` or `{end}` should be"))
    }

    fn word(&mut self) -> Result<Value, String> {
        let mut word = String::new();
        while let Some(sign) = self.rest.next_if(|sign| sign.is_ascii_alphanumeric()) {
            word.push(sign);
        }
        match word.as_str() {
            "None" => Ok(Value::Null),
            "True" => Ok(Value::Bool(true)),
            "False" => Ok(Value::Bool(false)),
            other => Err(format!("`{other}`")),
        }
    }

    fn number(&mut self) -> Result<Value, String> {
        let mut text = String::new();
        while let Some(sign) = self.rest.next_if(|sign| sign.is_ascii_alphanumeric() || "+-.".contains(*sign))
        {
            text.push(sign);
        }
        let whole = text.parse::<i64>().ok().map(Value::from);
        let number = whole.or_else(|| Number::from_f64(text.parse().ok()?).map(Value::Number));
        number.ok_or_else(|| format!("`{text}`"))
    }

    /// A text whose quote is next.
    fn text(&mut self) -> Result<String, String> {
        let quote = self.rest.next();
        let mut text = String::new();
        loop {
            match self.rest.next() {
                None => return Err("a text that does not end".to_owned()),
                Some(sign) if Some(sign) == quote => return Ok(text),
                Some('\\') => self.escape(&mut text)?,
                Some(sign) => text.push(sign),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), String> {
        let sign = self.rest.next().ok_or("a text that does not end")?;
        let plain = match sign {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' | '\'' | '"' => sign,
            // A line that continues.
            '\n' => return Ok(()),
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            '0'..='7' => return Err(format!("the escape `\\{sign}`")),
            // Python keeps what it does not know.
            other => {
                text.push('\\');
                other
            }
        };
        text.push(plain);
        Ok(())
    }

    fn code(&mut self, digits: usize) -> Result<char, String> {
        let hex: String = self.rest.by_ref().take(digits).collect();
        let whole = hex.len() == digits && hex.bytes().all(|digit| digit.is_ascii_hexdigit());
        let code = u32::from_str_radix(&hex, 16).ok().filter(|_| whole);
        code.and_then(char::from_u32).ok_or_else(|| format!("the escape of `{hex}`"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_are_read_as_python_reads_them() {
        let text = r#"[{'from': 'user', "value": "it's\n\u4e2d\x41\d"}, {'n': [1, -2.5, 1e3, None, True, False,],}, ()]"#;
        let expected = json!([{"from": "user", "value": "it's\n中A\\d"},
            {"n": [1, -2.5, 1000.0, null, true, false]}, []]);
        assert_eq!(parse_literal(text), Ok(expected));
    }

    #[test]
    fn what_is_not_a_literal_is_refused() {
        for (text, found) in [
            ("", "the end of the text"),
            ("['a'", "the end of the text, where `,` or `]` should be"),
            ("['a' 'b']", "`'`, where"),
            ("['a", "a text that does not end"),
            ("{1: 2}", "a key that is not text"),
            ("{'a' 2}", "no `:` after the key 'a'"),
            ("open('x')", "`open`"),
            ("[] []", "`[` after the literal"),
            (r"'\ud800'", "the escape of `d800`"),
            ("1.2.3", "`1.2.3`"),
        ] {
            let problem = parse_literal(text).expect_err(text);
            assert!(problem.starts_with(found), "{text}: {problem}");
        }
        assert!(parse_literal(&"[".repeat(100_000)).is_err());
    }
}
