//! The parser: a cursor over tokens with limits, and the whole formula.

use super::expr::Expr;
use super::number::grouped_number;
use super::token::{Kind, Token, tokens};

/// The maximum length of a formula in bytes. Longer text is not a formula that anybody writes as an answer.
const MAX_LENGTH: usize = 4096;

/// The maximum nesting of brackets, arguments and signs.
const MAX_DEPTH: usize = 48;

/// Parses a formula. `None` if it is not one by the grammar, or if it is too long or too deep.
pub(in crate::score::math) fn parse(text: &str) -> Option<Expr> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    if let Some(number) = grouped_number(text) {
        return Some(number);
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, position: 0, depth: 0, bars: 0 };
    let parsed = parser.formula()?;
    parser.peek().is_none().then_some(parsed)
}

/// A cursor over the tokens of one formula.
pub(super) struct Parser<'a> {
    tokens: &'a [Token<'a>],
    position: usize,
    depth: usize,
    /// Number of open absolute values, which a bar closes.
    pub(super) bars: usize,
}

impl<'a> Parser<'a> {
    /// Returns the next token.
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.position).copied()
    }

    /// Returns the next token and moves behind it.
    pub(super) fn advance(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.position += 1;
        Some(token)
    }

    /// Says whether the next token is this sign.
    pub(super) fn at(&self, sign: char) -> bool {
        self.peek().is_some_and(|token| token.kind == Kind::Sign(sign))
    }

    /// Says whether the next token is this command.
    pub(super) fn at_command(&self, command: &str) -> bool {
        self.peek().is_some_and(|token| token.kind == Kind::Command && token.text == command)
    }

    /// Moves behind the sign if it is next.
    pub(super) fn eat(&mut self, sign: char) -> bool {
        let found = self.at(sign);
        self.position += usize::from(found);
        found
    }

    /// Moves behind the sign, which has to be next.
    pub(super) fn expect(&mut self, sign: char) -> Option<()> {
        self.eat(sign).then_some(())
    }

    /// The current place, to come back to with [`Parser::reset`].
    pub(super) fn mark(&self) -> usize {
        self.position
    }

    /// Goes back to a place from [`Parser::mark`].
    pub(super) fn reset(&mut self, mark: usize) {
        self.position = mark;
    }

    /// The spelling of the tokens since a place, without white space.
    pub(super) fn spelling(&self, from: usize) -> String {
        self.tokens[from..self.position].iter().map(|token| token.text).collect()
    }

    /// Parses something one level deeper.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}
