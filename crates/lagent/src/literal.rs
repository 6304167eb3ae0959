//! Values that are almost JSON: Python's literals, trailing commas, line breaks inside strings.
//!
//! Prompts of lagent show the tools as Python prints them, so models answer in the same way:
//! `{'expression': '12*34', 'exact': True}`. Objects, lists, texts, numbers and the three constants are read in the
//! form of either language, also with names as keys and with typographic quotes; everything else is refused.

use std::str::Chars;

use serde_json::{Map, Number, Value};

/// Maximum depth of lists and objects inside each other, as in `serde_json`.
const DEPTH: usize = 128;

/// Reads the value that `text` begins with, and returns it with the text behind it.
pub(crate) fn read_literal(text: &str) -> Option<(Value, &str)> {
    let mut reader = Reader { rest: text.trim_start() };
    let value = reader.value(DEPTH)?;
    Some((value, reader.rest))
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        match self.rest.chars().next()? {
            '{' => self.object(depth),
            '[' => self.items(']', depth).map(|items| Value::Array(items.values)),
            '(' => self.tuple(depth),
            '"' | '\'' | '“' | '‘' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    /// Takes `expected` and the white space around it.
    fn take(&mut self, expected: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(expected)?.trim_start();
        Some(())
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut object = Map::new();
        self.take('{')?;
        while !self.rest.starts_with('}') {
            let key = self.string().or_else(|| self.name())?;
            self.take(':')?;
            object.insert(key, self.value(depth)?);
            if self.take(',').is_none() {
                break;
            }
        }
        self.close('}')?;
        Some(Value::Object(object))
    }

    /// Takes a closing bracket and leaves the white space behind it, which belongs to the text around.
    fn close(&mut self, bracket: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(bracket)?;
        Some(())
    }

    fn items(&mut self, bracket: char, depth: usize) -> Option<Items> {
        let mut items = Items::default();
        let open = self.rest.chars().next()?;
        self.take(open)?;
        while !self.rest.starts_with(bracket) {
            items.values.push(self.value(depth)?);
            if self.take(',').is_none() {
                break;
            }
            items.commas += 1;
        }
        self.close(bracket)?;
        Some(items)
    }

    /// A tuple is a list; brackets around one value without a comma are only brackets.
    fn tuple(&mut self, depth: usize) -> Option<Value> {
        let Items { mut values, commas } = self.items(')', depth)?;
        match (values.len(), commas) {
            (1, 0) => values.pop(),
            _ => Some(Value::Array(values)),
        }
    }

    /// A number, or one of the three names of Python and of JSON.
    fn word(&mut self) -> Option<Value> {
        let is_part = |character: char| character.is_ascii_alphanumeric() || "+-._".contains(character);
        let end = self.rest.find(|character: char| !is_part(character)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "True" | "true" => Some(Value::Bool(true)),
            "False" | "false" => Some(Value::Bool(false)),
            "None" | "null" => Some(Value::Null),
            _ => number(word),
        }
    }

    /// A key without quotes, as `JavaScript` has it.
    fn name(&mut self) -> Option<String> {
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let end = self.rest.find(|character: char| !is_part(character)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty()).then(|| name.to_owned())
    }

    fn string(&mut self) -> Option<String> {
        let marks = ["\"\"\"", "'''", "\"", "'", "“", "‘"];
        let opening = marks.into_iter().find(|mark| self.rest.starts_with(mark))?;
        let body = &self.rest[opening.len()..];
        let mark = match opening {
            "“" => "”",
            "‘" => "’",
            same => same,
        };
        let mut text = String::new();
        let mut rest = body;
        loop {
            if let Some(behind) = rest.strip_prefix(mark) {
                self.rest = behind;
                return Some(text);
            }
            let mut characters = rest.chars();
            match characters.next()? {
                '\\' => escape(&mut characters, &mut text)?,
                character => text.push(character),
            }
            rest = characters.as_str();
        }
    }
}

/// The values of a list, and how many commas were behind them.
#[derive(Default)]
struct Items {
    values: Vec<Value>,
    commas: usize,
}

/// A number of JSON or of Python: `1_000`, `.5` and `5.` are numbers too.
fn number(word: &str) -> Option<Value> {
    let digits = word.replace('_', "");
    if let Ok(number) = serde_json::from_str::<Number>(&digits) {
        return Some(Value::Number(number));
    }
    let plain = digits.contains(|character: char| character.is_ascii_digit())
        && digits.chars().all(|character| character.is_ascii_digit() || "+-.eE".contains(character));
    let value: f64 = plain.then(|| digits.parse().ok()).flatten()?;
    // Python refuses zeros in front of a whole number.
    let is_float = digits.contains(['.', 'e', 'E']);
    is_float.then(|| Number::from_f64(value).map(Value::Number)).flatten()
}

/// Appends what the characters behind a backslash mean.
fn escape(characters: &mut Chars<'_>, text: &mut String) -> Option<()> {
    let character = characters.next()?;
    let plain = match character {
        '\n' => return Some(()),
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'a' => '\u{7}',
        'v' => '\u{b}',
        '\\' | '\'' | '"' | '/' => character,
        'x' => char::from_u32(code(characters, 2)?)?,
        'U' => char::from_u32(code(characters, 8)?)?,
        'u' => unicode(characters)?,
        // Octal numbers, which nobody writes by intention.
        '0'..='7' => return None,
        _ => {
            // Python keeps the backslash of what it does not know.
            text.push('\\');
            character
        }
    };
    text.push(plain);
    Some(())
}

/// A character as `\u` and four hexadecimal digits, or the two of them that JSON writes for one character.
fn unicode(characters: &mut Chars<'_>) -> Option<char> {
    let first = code(characters, 4)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first);
    }
    let (Some('\\'), Some('u')) = (characters.next(), characters.next()) else { return None };
    let second = code(characters, 4)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second)
}

/// The value of the next `count` hexadecimal digits.
fn code(characters: &mut Chars<'_>, count: usize) -> Option<u32> {
    (0..count).try_fold(0, |value: u32, _| Some((value << 4) | characters.next()?.to_digit(16)?))
}

#[cfg(test)]
mod tests;
