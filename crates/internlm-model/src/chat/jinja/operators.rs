//! The operators `%` and `~` of an expression, and `+` where it matters, as calls of functions.
//!
//! This reads as much of Jinja2's grammar (`jinja2/parser.py`) as it takes to find the operands:
//!
//! ```text
//! sum     = joined (("+" | "-") joined)*
//! joined  = product ("~" product)*
//! product = power (("*" | "/" | "//" | "%") power)*
//! power   = operand ("**" operand)*
//! operand = ("+" | "-")* primary postfix*
//! postfix = "." name | "(" .. ")" | "[" .. "]" | "|" filter | "is" ["not"] test
//! ```

/// The function that `%` becomes.
pub(super) const REMAINDER: &str = "__remainder";
/// The function that a chain of `~` becomes.
pub(super) const JOIN: &str = "__join";
/// The function that `+` becomes.
pub(super) const SUM: &str = "__sum";

/// What `+` becomes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Plus {
    /// Itself.
    Operator,
    /// A call of [`SUM`], which escapes what is added to safe text.
    Call,
}

/// Words before an operand, which are not operands themselves.
const KEYWORDS: [&str; 16] = [
    "and",
    "autoescape",
    "call",
    "do",
    "elif",
    "else",
    "for",
    "if",
    "in",
    "include",
    "is",
    "not",
    "or",
    "recursive",
    "set",
    "with",
];
/// Brackets inside of brackets; minijinja stops at about as many.
const MAX_DEPTH: usize = 100;
/// Operators of two characters.
const WIDE: [&str; 6] = ["**", "//", "==", "!=", "<=", ">="];

/// A piece of an expression and the white space before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) space: &'a str,
    pub(super) text: &'a str,
}

impl Token<'_> {
    fn first(self) -> char {
        self.text.chars().next().unwrap_or(' ')
    }

    fn is_string(self) -> bool {
        matches!(self.first(), '\'' | '"')
    }

    /// Whether an operand begins here, signs aside.
    fn is_primary(self) -> bool {
        match self.first() {
            '\'' | '"' | '(' | '[' | '{' | '0'..='9' => true,
            first => (first == '_' || first.is_alphabetic()) && !KEYWORDS.contains(&self.text),
        }
    }
}

/// The tokens of `text` up to `close`, which ends the expression where no bracket is open. The last one is empty: it
/// holds the white space before the end.
pub(super) fn tokens<'a>(text: &'a str, close: &str) -> Vec<Token<'a>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut depth = 0_usize;
    loop {
        let (space, after) = rest.split_at(rest.len() - rest.trim_start().len());
        let unsigned = after.strip_prefix(['-', '+']).unwrap_or(after);
        if after.is_empty() || (depth == 0 && (after.starts_with(close) || unsigned.starts_with(close))) {
            tokens.push(Token { space, text: "" });
            return tokens;
        }
        let (text, remaining) = after.split_at(token_length(after));
        match text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        tokens.push(Token { space, text });
        rest = remaining;
    }
}

fn token_length(text: &str) -> usize {
    match text.chars().next() {
        Some(quote @ ('\'' | '"')) => string_length(text, quote),
        Some('0'..='9') => number_length(text),
        Some(first) if first == '_' || first.is_alphabetic() => {
            text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len())
        }
        Some(_) if WIDE.iter().any(|operator| text.starts_with(operator)) => 2,
        Some(other) => other.len_utf8(),
        None => 0,
    }
}

/// The length of a string with its quotes; everything when it has no end.
fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a number: digits, a point, an exponent with its sign.
fn number_length(text: &str) -> usize {
    let mut before = '0';
    let end = text.find(|c: char| {
        let is_sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !text.starts_with("0x");
        before = c;
        !(is_sign || matches!(c, '_' | '.') || c.is_ascii_alphanumeric())
    });
    end.unwrap_or(text.len())
}

/// The text of `tokens` with calls for the operators; as it is when it has none or cannot be read.
pub(super) fn rewritten(tokens: &[Token], plus: Plus) -> String {
    let has_operator = tokens.iter().any(|token| match token.text {
        "%" | "~" => true,
        "+" => plus == Plus::Call,
        _ => false,
    });
    let mut parser = Parser { tokens, plus, at: 0, depth: 0 };
    match parser.sequence() {
        Some(text) if has_operator && parser.at == tokens.len() => text,
        _ => tokens.iter().map(|token| [token.space, token.text].concat()).collect(),
    }
}

/// Every method copies tokens and returns their new text; `None` where Jinja2 would stop with an error.
struct Parser<'a> {
    tokens: &'a [Token<'a>],
    plus: Plus,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a str {
        self.tokens.get(self.at).map_or("", |token| token.text)
    }

    fn is_primary(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is_primary())
    }

    fn copy(&mut self) -> Option<String> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some([token.space, token.text].concat())
    }

    /// Sums and everything between them, up to a closing bracket or the end.
    fn sequence(&mut self) -> Option<String> {
        let mut text = String::new();
        while self.at < self.tokens.len() && !matches!(self.peek(), ")" | "]" | "}") {
            text.push_str(&match self.peek() {
                "+" | "-" => self.sum()?,
                "%" | "~" => return None,
                _ if self.is_primary() => self.sum()?,
                _ => self.copy()?,
            });
        }
        Some(text)
    }

    fn sum(&mut self) -> Option<String> {
        let mut text = self.joined()?;
        loop {
            match self.peek() {
                "+" if self.plus == Plus::Call => {
                    self.at += 1;
                    let right = self.joined()?;
                    text = call(SUM, &[text, right]);
                }
                "+" | "-" => {
                    text.push_str(&self.copy()?);
                    text.push_str(&self.joined()?);
                }
                _ => return Some(text),
            }
        }
    }

    fn joined(&mut self) -> Option<String> {
        let first = self.product()?;
        let mut operands = vec![first];
        while self.peek() == "~" {
            self.at += 1;
            operands.push(self.product()?);
        }
        if operands.len() == 1 { operands.pop() } else { Some(call(JOIN, &operands)) }
    }

    fn product(&mut self) -> Option<String> {
        let mut text = self.power()?;
        loop {
            match self.peek() {
                "%" => {
                    self.at += 1;
                    let right = self.power()?;
                    text = call(REMAINDER, &[text, right]);
                }
                "*" | "/" | "//" => {
                    text.push_str(&self.copy()?);
                    text.push_str(&self.power()?);
                }
                _ => return Some(text),
            }
        }
    }

    fn power(&mut self) -> Option<String> {
        let mut text = self.operand()?;
        while self.peek() == "**" {
            text.push_str(&self.copy()?);
            text.push_str(&self.operand()?);
        }
        Some(text)
    }

    fn operand(&mut self) -> Option<String> {
        let mut text = String::new();
        while matches!(self.peek(), "+" | "-") {
            text.push_str(&self.copy()?);
        }
        text.push_str(&self.primary()?);
        while matches!(self.peek(), "." | "(" | "[" | "|" | "is") {
            text.push_str(&self.postfix()?);
        }
        Some(text)
    }

    fn primary(&mut self) -> Option<String> {
        let token = *self.tokens.get(self.at).filter(|token| token.is_primary())?;
        if matches!(token.text, "(" | "[" | "{") {
            return self.group();
        }
        let mut text = self.copy()?;
        // Adjacent strings are one.
        while token.is_string() && self.tokens.get(self.at).is_some_and(|token| token.is_string()) {
            text.push_str(&self.copy()?);
        }
        Some(text)
    }

    /// A bracket with its content.
    fn group(&mut self) -> Option<String> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        let open = self.copy()?;
        self.depth += 1;
        let inner = self.sequence()?;
        self.depth -= 1;
        // The sequence ended at a closing bracket or at the end of the tokens.
        Some([open, inner, self.copy()?].concat())
    }

    /// One attribute, call, item, filter or test.
    fn postfix(&mut self) -> Option<String> {
        if matches!(self.peek(), "(" | "[") {
            return self.group();
        }
        let is_test = self.peek() == "is";
        let mut text = self.copy()?;
        if is_test && self.peek() == "not" {
            text.push_str(&self.copy()?);
        }
        text.push_str(&self.copy()?);
        if is_test && self.peek() != "(" && self.is_primary() {
            // The test's one argument without parentheses.
            text.push_str(&self.primary()?);
        }
        Some(text)
    }
}

/// `name(operands)`, with the white space before the first operand in front.
fn call(name: &str, operands: &[String]) -> String {
    let operands = operands.join(",");
    let (space, operands) = operands.split_at(operands.len() - operands.trim_start().len());
    format!("{space}{name}({operands})")
}
