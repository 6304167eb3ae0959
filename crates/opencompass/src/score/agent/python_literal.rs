//! Parses literals and calls of Python: what `ast.literal_eval` reads, and calls with keywords.

use super::python_value::{Python, computed};

/// Number of nested brackets that are read.
const DEPTH: usize = 100;

/// Parses one expression. The error says where and what was expected.
pub(super) fn parse(text: &str) -> Result<Python, String> {
    let mut parser = Parser { letters: text.char_indices().collect(), place: 0, depth: 0 };
    let first = parser.expression()?;
    parser.spaces();
    let value = if parser.peek() == Some(',') { parser.bare_tuple(first)? } else { first };
    parser.spaces();
    if parser.peek().is_some() {
        return Err(parser.unexpected("the end"));
    }
    Ok(value)
}

/// Parses one expression that is a literal: no names and no calls.
pub(super) fn literal(text: &str) -> Result<Python, String> {
    let value = parse(text)?;
    if value.is_literal() { Ok(value) } else { Err("found a name or a call, expected a literal".to_owned()) }
}

struct Parser {
    letters: Vec<(usize, char)>,
    place: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.place).map(|(_, letter)| *letter)
    }

    fn next_letter(&mut self) -> Option<char> {
        let letter = self.peek();
        self.place += 1;
        letter
    }

    fn unexpected(&self, expected: &str) -> String {
        match self.letters.get(self.place) {
            Some((offset, letter)) => format!("byte {offset}: found `{letter}`, expected {expected}"),
            None => format!("found the end, expected {expected}"),
        }
    }

    /// Skips white space, comments and continued lines.
    fn spaces(&mut self) {
        while let Some(letter) = self.peek() {
            if letter == '#' {
                while self.peek().is_some_and(|letter| letter != '\n') {
                    self.place += 1;
                }
            } else if letter.is_whitespace() || letter == '\\' {
                self.place += 1;
            } else {
                break;
            }
        }
    }

    fn take(&mut self, letter: char) -> Result<(), String> {
        self.spaces();
        if self.peek() != Some(letter) {
            return Err(self.unexpected(&format!("`{letter}`")));
        }
        self.place += 1;
        Ok(())
    }

    fn bare_tuple(&mut self, first: Python) -> Result<Python, String> {
        let mut items = vec![first];
        while self.peek() == Some(',') {
            self.place += 1;
            self.spaces();
            if self.peek().is_none() {
                break;
            }
            items.push(self.expression()?);
            self.spaces();
        }
        Ok(Python::Tuple(items))
    }

    /// A sum of products of numbers, or one value of another kind.
    fn expression(&mut self) -> Result<Python, String> {
        let mut value = self.product()?;
        loop {
            self.spaces();
            match self.peek() {
                Some(sign @ ('+' | '-')) => {
                    self.place += 1;
                    let other = self.product()?;
                    value = computed(&value, sign, &other).ok_or_else(|| self.unexpected("two numbers"))?;
                }
                _ => return Ok(value),
            }
        }
    }

    fn product(&mut self) -> Result<Python, String> {
        let mut value = self.signed()?;
        loop {
            self.spaces();
            match self.peek() {
                Some(sign @ ('*' | '/')) => {
                    self.place += 1;
                    let power = sign == '*' && self.peek() == Some('*');
                    self.place += usize::from(power);
                    let other = self.signed()?;
                    let sign = if power { '^' } else { sign };
                    value = computed(&value, sign, &other).ok_or_else(|| self.unexpected("two numbers"))?;
                }
                _ => return Ok(value),
            }
        }
    }

    fn signed(&mut self) -> Result<Python, String> {
        let (mut signs, mut minus) = (0, false);
        loop {
            self.spaces();
            match self.peek() {
                Some('-') => minus = !minus,
                Some('+') => {}
                _ => break,
            }
            signs += 1;
            self.place += 1;
        }
        match self.value()? {
            Python::Int(number) if minus => Ok(Python::Int(-number)),
            Python::Float(number) if minus => Ok(Python::Float(-number)),
            value @ (Python::Int(_) | Python::Float(_)) => Ok(value),
            _ if signs > 0 => Err(self.unexpected("a number after a sign")),
            value => Ok(value),
        }
    }

    fn value(&mut self) -> Result<Python, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("found more than {DEPTH} nested brackets"));
        }
        let value = match self.peek() {
            Some('[') => self.items(']').map(|(items, _)| Python::List(items)),
            Some('(') => self.items(')').map(|(mut items, commas)| match (items.len(), commas) {
                (1, false) => items.remove(0),
                _ => Python::Tuple(items),
            }),
            Some('{') => self.braces(),
            Some('\'' | '"') => self.texts(),
            Some(letter) if letter.is_ascii_digit() || letter == '.' => self.number(),
            Some(letter) if letter.is_alphabetic() || letter == '_' => self.word(),
            _ => Err(self.unexpected("a value")),
        };
        self.depth -= 1;
        value
    }

    /// The items up to a closing bracket, and whether there was a comma.
    fn items(&mut self, close: char) -> Result<(Vec<Python>, bool), String> {
        self.place += 1;
        let (mut items, mut commas) = (Vec::new(), false);
        loop {
            self.spaces();
            if self.peek() == Some(close) {
                self.place += 1;
                return Ok((items, commas));
            }
            items.push(self.expression()?);
            self.spaces();
            if self.peek() == Some(',') {
                commas = true;
                self.place += 1;
            } else if self.peek() != Some(close) {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
    }

    fn braces(&mut self) -> Result<Python, String> {
        self.place += 1;
        let (mut pairs, mut items) = (Vec::new(), Vec::new());
        loop {
            self.spaces();
            if self.peek() == Some('}') {
                self.place += 1;
                break;
            }
            let key = self.expression()?;
            self.spaces();
            if self.peek() == Some(':') && items.is_empty() {
                self.place += 1;
                pairs.push((key, self.expression()?));
                self.spaces();
            } else if pairs.is_empty() {
                items.push(key);
            } else {
                return Err(self.unexpected("`:` after a key"));
            }
            if self.peek() == Some(',') {
                self.place += 1;
            } else if self.peek() != Some('}') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
        Ok(if items.is_empty() { Python::Dict(pairs) } else { Python::Set(items) })
    }

    /// One text, or several that stand next to each other.
    fn texts(&mut self) -> Result<Python, String> {
        let mut text = self.quoted(Escapes::Read)?;
        loop {
            self.spaces();
            match self.peek() {
                Some('\'' | '"') => text.push_str(&self.quoted(Escapes::Read)?),
                _ => return Ok(Python::Text(text)),
            }
        }
    }

    fn quoted(&mut self, escapes: Escapes) -> Result<String, String> {
        let quote = self.next_letter().unwrap_or('"');
        let ahead = |parser: &Self, count: usize| {
            (0..count).all(|i| parser.letters.get(parser.place + i).is_some_and(|(_, l)| *l == quote))
        };
        let size = if ahead(self, 2) { 3 } else { 1 };
        if size == 3 {
            self.place += 2;
        }
        let mut text = String::new();
        loop {
            if ahead(self, size) {
                self.place += size;
                return Ok(text);
            }
            match self.next_letter() {
                Some('\\') if escapes == Escapes::Read => self.escape(&mut text)?,
                Some('\n') if size == 1 => {
                    return Err("found the end of the line inside of a text".to_owned());
                }
                Some(letter) => text.push(letter),
                None => return Err("found the end inside of a text".to_owned()),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), String> {
        let letter = self.next_letter().ok_or_else(|| "found the end inside of a text".to_owned())?;
        let digits = match letter {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let code: String = (0..digits).filter_map(|_| self.next_letter()).collect();
            let letter = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
            text.push(letter.ok_or_else(|| format!("found the code `{code}`, expected a letter"))?);
            return Ok(());
        }
        match letter {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '0' => text.push('\0'),
            '\n' => {}
            '\\' | '\'' | '"' => text.push(letter),
            other => text.extend(['\\', other]),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Python, String> {
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            let exponent = text.ends_with(['e', 'E']) && !text.starts_with("0x");
            let sign = matches!(letter, '+' | '-') && exponent;
            if !(letter.is_ascii_alphanumeric() || letter == '.' || letter == '_' || sign) {
                break;
            }
            text.extend(Some(letter).filter(|letter| *letter != '_'));
            self.place += 1;
        }
        let hexadecimal = text.strip_prefix("0x").and_then(|digits| i128::from_str_radix(digits, 16).ok());
        if let Some(number) = hexadecimal.or_else(|| text.parse().ok()) {
            return Ok(Python::Int(number));
        }
        let number = text.parse::<f64>().map_err(|_| format!("found `{text}`, expected a number"))?;
        Ok(Python::Float(number))
    }

    /// A constant, a text with a prefix, a name or a call.
    fn word(&mut self) -> Result<Python, String> {
        let mut word = String::new();
        while let Some(letter) = self.peek().filter(|l| l.is_alphanumeric() || matches!(l, '_' | '.')) {
            word.push(letter);
            self.place += 1;
        }
        if matches!(self.peek(), Some('\'' | '"')) && matches!(word.as_str(), "r" | "R" | "b" | "u" | "f") {
            let escapes = if word.eq_ignore_ascii_case("r") { Escapes::Keep } else { Escapes::Read };
            return self.quoted(escapes).map(Python::Text);
        }
        self.spaces();
        Ok(match (word.as_str(), self.peek()) {
            ("None", _) => Python::None,
            ("True", _) => Python::Bool(true),
            ("False", _) => Python::Bool(false),
            (_, Some('(')) => self.call(word)?,
            _ => Python::Name(word),
        })
    }

    fn call(&mut self, name: String) -> Result<Python, String> {
        self.place += 1;
        let (mut positional, mut keywords) = (0, Vec::new());
        loop {
            self.spaces();
            if self.peek() == Some(')') {
                self.place += 1;
                return Ok(Python::Call { name, positional, keywords });
            }
            let value = self.expression()?;
            self.spaces();
            match value {
                Python::Name(keyword) if self.peek() == Some('=') => {
                    self.place += 1;
                    keywords.push((keyword, self.expression()?));
                    self.spaces();
                }
                _ => positional += 1,
            }
            if self.peek() != Some(')') {
                self.take(',')?;
            }
        }
    }
}

/// Whether a backslash has a meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Escapes {
    Read,
    Keep,
}

#[cfg(test)]
mod tests;
