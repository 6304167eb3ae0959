//! Tokens of Python source: names, numbers, strings, operators and changes of indentation.

use super::escape::unescape;
use super::fault::Fault;

/// One token of a source file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword.
    Name(String),
    /// A whole number of at most 64 bits.
    Int(i64),
    /// A number with a point or an exponent.
    Float(f64),
    /// A string without its quotes, escapes replaced.
    Text(String),
    /// An f-string without its quotes, as it is written.
    Format {
        /// The text between the quotes, escapes included.
        body: String,
        /// Whether backslashes are plain characters.
        is_raw: bool,
    },
    /// An operator or a bracket.
    Operator(&'static str),
    /// The end of a statement.
    Newline,
    /// The start of a block.
    Indent,
    /// The end of a block.
    Dedent,
    /// The end of the file.
    End,
}

/// A token and its line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed {
    /// The token at this place.
    pub(super) token: Token,
    /// Line of its first character, from 1.
    pub(super) line: usize,
}

/// All operators; longer ones come before their beginnings.
const OPERATORS: &[&str] = &[
    "**=", "//=", ">>=", "<<=", "...", "==", "!=", "<=", ">=", "->", ":=", "+=", "-=", "*=", "/=", "%=",
    "|=", "&=", "^=", "**", "//", "<<", ">>", "+", "-", "*", "/", "%", "(", ")", "[", "]", "{", "}", ",",
    ":", ".", ";", "=", "<", ">", "@", "|", "&", "^", "~",
];

/// Number of columns that a tab reaches to.
const TAB: usize = 8;

/// Cuts source text into tokens; the last one is [`Token::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<Placed>, Fault> {
    let source = source.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut lexer = Lexer {
        characters: source.chars().collect(),
        at: 0,
        line: 1,
        brackets: 0,
        indents: vec![0],
        tokens: Vec::new(),
    };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer {
    characters: Vec<char>,
    at: usize,
    line: usize,
    /// Number of open brackets; line ends do not count inside of them.
    brackets: usize,
    /// Columns of the open blocks.
    indents: Vec<usize>,
    tokens: Vec<Placed>,
}

impl Lexer {
    fn run(&mut self) -> Result<(), Fault> {
        self.indentation()?;
        while let Some(character) = self.peek(0) {
            match character {
                '\n' => self.line_end()?,
                ' ' | '\t' | '\u{c}' => self.at += 1,
                '#' => self.skip_comment(),
                '\\' if self.peek(1) == Some('\n') => {
                    self.at += 2;
                    self.line += 1;
                }
                '"' | '\'' => self.string("")?,
                '.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => self.number()?,
                '0'..='9' => self.number()?,
                '_' => self.name()?,
                other if other.is_alphabetic() => self.name()?,
                _ => self.operator()?,
            }
        }
        if self.tokens.last().is_some_and(|last| last.token != Token::Newline) {
            self.push(Token::Newline);
        }
        while self.indents.pop().is_some_and(|column| column > 0) {
            self.push(Token::Dedent);
        }
        self.push(Token::End);
        Ok(())
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn push(&mut self, token: Token) {
        self.tokens.push(Placed { token, line: self.line });
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::new(self.line, message)
    }

    fn skip_comment(&mut self) {
        while self.peek(0).is_some_and(|character| character != '\n') {
            self.at += 1;
        }
    }

    fn line_end(&mut self) -> Result<(), Fault> {
        if self.brackets == 0 {
            self.push(Token::Newline);
        }
        self.at += 1;
        self.line += 1;
        if self.brackets == 0 { self.indentation() } else { Ok(()) }
    }

    /// Compares the indentation of the next line that is not empty with the open blocks.
    fn indentation(&mut self) -> Result<(), Fault> {
        let mut column = 0;
        loop {
            match self.peek(0) {
                Some(' ') => column += 1,
                Some('\t') => column = (column / TAB + 1) * TAB,
                Some('\u{c}') => column = 0,
                Some('\n') => {
                    column = 0;
                    self.line += 1;
                }
                Some('#') => {
                    self.skip_comment();
                    continue;
                }
                Some(_) => break,
                None => return Ok(()),
            }
            self.at += 1;
        }
        if column > self.indents.last().copied().unwrap_or_default() {
            self.indents.push(column);
            self.push(Token::Indent);
        }
        while column < self.indents.last().copied().unwrap_or_default() {
            self.indents.pop();
            self.push(Token::Dedent);
        }
        if self.indents.last().copied().unwrap_or_default() == column {
            Ok(())
        } else {
            Err(self.fault("indentation: found a column that no open block has"))
        }
    }

    fn name(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.peek(0).is_some_and(|character| character == '_' || character.is_alphanumeric()) {
            self.at += 1;
        }
        let name: String = self.characters[start..self.at].iter().collect();
        let is_prefix = name.len() <= 2 && name.chars().all(|letter| "rRbBuUfF".contains(letter));
        if is_prefix && matches!(self.peek(0), Some('"' | '\'')) {
            return self.string(&name.to_lowercase());
        }
        self.push(Token::Name(name));
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(character) = self.peek(0) {
            let after_exponent = self.at > start && matches!(self.characters[self.at - 1], 'e' | 'E');
            let is_part = character.is_ascii_alphanumeric()
                || matches!(character, '_' | '.')
                || (after_exponent && matches!(character, '+' | '-'));
            if !is_part {
                break;
            }
            self.at += 1;
        }
        let text: String =
            self.characters[start..self.at].iter().filter(|character| **character != '_').collect();
        let token = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => i64::from_str_radix(digits, 16).ok().map(Token::Int),
            None if text.contains(['.', 'e', 'E']) => {
                text.parse().ok().filter(|float: &f64| float.is_finite()).map(Token::Float)
            }
            None => text.parse().ok().map(Token::Int),
        };
        let token = token.ok_or_else(|| {
            self.fault(format!("number: found `{text}`, expected a decimal number of at most 64 bits"))
        })?;
        self.push(token);
        Ok(())
    }

    fn operator(&mut self) -> Result<(), Fault> {
        let fits =
            |operator: &str| operator.chars().enumerate().all(|(index, part)| self.peek(index) == Some(part));
        let Some(operator) = OPERATORS.iter().copied().find(|operator| fits(operator)) else {
            let found = self.peek(0).unwrap_or_default();
            return Err(
                self.fault(format!("found the character `{found}`, which Python source does not have"))
            );
        };
        match operator {
            "(" | "[" | "{" => self.brackets += 1,
            ")" | "]" | "}" => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        self.push(Token::Operator(operator));
        self.at += operator.len();
        Ok(())
    }

    /// Reads a string from its first quote on. `prefix` is in lower case.
    fn string(&mut self, prefix: &str) -> Result<(), Fault> {
        let line = self.line;
        if prefix.contains('b') {
            return Err(self.fault("bytes are not supported"));
        }
        let quote = self.peek(0).unwrap_or_default();
        let is_long = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        let width = if is_long { 3 } else { 1 };
        self.at += width;
        let body = self.string_body(quote, width)?;
        let is_raw = prefix.contains('r');
        let token = if prefix.contains('f') {
            Token::Format { body, is_raw }
        } else if is_raw {
            Token::Text(body)
        } else {
            Token::Text(unescape(&body).map_err(|message| Fault::new(line, message))?)
        };
        self.tokens.push(Placed { token, line });
        Ok(())
    }

    fn string_body(&mut self, quote: char, width: usize) -> Result<String, Fault> {
        let line = self.line;
        let mut body = String::new();
        loop {
            let Some(character) = self.peek(0) else {
                return Err(Fault::new(line, "string without an end"));
            };
            if (0..width).all(|ahead| self.peek(ahead) == Some(quote)) {
                self.at += width;
                return Ok(body);
            }
            if character == '\n' {
                if width == 1 {
                    return Err(Fault::new(line, "string without an end in its line"));
                }
                self.line += 1;
            }
            body.push(character);
            self.at += 1;
            // The character after a backslash never ends a string, not even a raw one.
            if character == '\\'
                && let Some(next) = self.peek(0)
            {
                self.line += usize::from(next == '\n');
                body.push(next);
                self.at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<Token> {
        tokens(source).expect("tokens").into_iter().map(|placed| placed.token).collect()
    }

    #[test]
    fn blocks_and_brackets() {
        let expected = [
            Token::Name("if".to_owned()),
            Token::Name("x".to_owned()),
            Token::Operator(":"),
            Token::Newline,
            Token::Indent,
            Token::Name("y".to_owned()),
            Token::Operator("="),
            Token::Operator("["),
            Token::Int(1),
            Token::Operator("]"),
            Token::Newline,
            Token::Dedent,
            Token::End,
        ];
        assert_eq!(kinds("if x:  # why\n\n    y = [\n1]\n"), expected);
    }

    #[test]
    fn strings_keep_what_their_prefix_says() {
        assert_eq!(kinds(r"'a\n\'b'")[0], Token::Text("a\n'b".to_owned()));
        assert_eq!(kinds(r#"r"\d\"""#)[0], Token::Text(r#"\d\""#.to_owned()));
        assert_eq!(kinds("\"\"\"a\n'\"b\"\"\"")[0], Token::Text("a\n'\"b".to_owned()));
        assert_eq!(kinds(r"f'{x}\n'")[0], Token::Format { body: r"{x}\n".to_owned(), is_raw: false });
        assert_eq!(tokens("x = 'a\nb'"), Err(Fault::new(1, "string without an end in its line")));
    }

    #[test]
    fn numbers() {
        assert_eq!(
            kinds("1_000 0xff 1.5e-3 .5")[..4],
            [Token::Int(1000), Token::Int(255), Token::Float(0.0015), Token::Float(0.5)]
        );
        assert!(tokens("99999999999999999999").is_err());
    }
}
