//! Literals of Python in answers: numbers, texts, lists, tuples and dictionaries.

use serde_json::{Map, Number, Value};

/// The maximum nesting of lists and dictionaries.
const MAX_DEPTH: usize = 32;

/// Reads a literal, as Python's `ast.literal_eval`. Keys of dictionaries become text, tuples become lists.
pub(super) fn literal(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text.trim(), depth: 0 };
    let value = reader.value()?;
    reader.rest.trim_start().is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn eat(&mut self, sign: char) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Value> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let value = self.any();
        self.depth -= 1;
        value
    }

    fn any(&mut self) -> Option<Value> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            '[' => self.list(']').map(Value::Array),
            '(' => self.list(')').map(Value::Array),
            '{' => self.dictionary(),
            quote @ ('\'' | '"') => self.text(quote).map(Value::String),
            _ => self.word(),
        }
    }

    fn list(&mut self, close: char) -> Option<Vec<Value>> {
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        loop {
            if self.eat(close) {
                return Some(items);
            }
            items.push(self.value()?);
            if !self.eat(',') {
                return self.eat(close).then_some(items);
            }
        }
    }

    fn dictionary(&mut self) -> Option<Value> {
        self.rest = &self.rest[1..];
        let mut fields = Map::new();
        loop {
            if self.eat('}') {
                return Some(Value::Object(fields));
            }
            let key = self.value()?;
            if !self.eat(':') {
                return None;
            }
            fields.insert(crate::prompt::python_str(&key), self.value()?);
            if !self.eat(',') {
                return self.eat('}').then_some(Value::Object(fields));
            }
        }
    }

    fn text(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut letters = self.rest[1..].char_indices();
        while let Some((index, letter)) = letters.next() {
            match letter {
                '\n' => return None,
                '\\' => text.push(match letters.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                }),
                _ if letter == quote => {
                    self.rest = &self.rest[1 + index + 1..];
                    return Some(text);
                }
                _ => text.push(letter),
            }
        }
        None
    }

    /// Reads a number or a constant.
    fn word(&mut self) -> Option<Value> {
        let ends = |letter: char| !(letter.is_alphanumeric() || matches!(letter, '.' | '+' | '-' | '_'));
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        let word = &self.rest[..length];
        self.rest = &self.rest[length..];
        match word {
            "None" => Some(Value::Null),
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            _ if word.contains(char::is_alphabetic) && !word.contains(['e', 'E']) => None,
            _ => match word.parse::<i64>() {
                Ok(whole) => Some(whole.into()),
                Err(_) => word.parse().ok().and_then(Number::from_f64).map(Value::Number),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn literals_of_python_become_values() {
        for (text, value) in [
            ("{'Feasible': 'YES', 'Total': 3}", json!({"Feasible": "YES", "Total": 3})),
            ("{1: 'A', 2: \"B\",}", json!({"1": "A", "2": "B"})),
            ("[[1, -2], (3, 4.5)]", json!([[1, -2], [3, 4.5]])),
            ("[]", json!([])),
            ("'it\\'s'", json!("it's")),
            ("None", json!(null)),
        ] {
            assert_eq!(literal(text), Some(value), "{text}");
        }
        for text in ["", "[1", "{1}", "name", "[1] 2", "'a", "inf", "nan"] {
            assert_eq!(literal(text), None, "{text}");
        }
        assert_eq!(literal(&"[".repeat(100_000)), None, "deep nesting ends early");
    }
}
