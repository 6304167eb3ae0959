//! [`Parser`]: a place in the tokens of a file, and the bound of nesting.

use super::ast::Statement;
use super::fault::Fault;
use super::token::{Placed, Token, tokens};

/// Maximum depth of brackets and blocks.
const DEEPEST: usize = 60;

/// Reads a whole file.
pub(super) fn parse(source: &str) -> Result<Vec<Statement>, Fault> {
    Parser::new(source)?.file()
}

/// A place in the tokens of a file. Statements and expressions add their rules in files of their own.
pub(super) struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    /// Line to add to those of the tokens; that of an f-string around them.
    first_line: usize,
}

impl Parser {
    pub(super) fn new(source: &str) -> Result<Self, Fault> {
        Ok(Self { tokens: tokens(source)?, at: 0, depth: 0, first_line: 0 })
    }

    /// A parser of the text inside of an f-string, as deep as the parser around it.
    pub(super) fn inside(&self, source: &str, line: usize) -> Result<Self, Fault> {
        let tokens = tokens(source)
            .map_err(|_| Fault::new(line, "f-string: found a field that is not an expression"))?;
        Ok(Self { tokens, at: 0, depth: self.depth, first_line: line.saturating_sub(1) })
    }

    /// Returns the next token.
    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |placed| &placed.token)
    }

    /// Returns the token after the next one.
    pub(super) fn peek_second(&self) -> &Token {
        self.tokens.get(self.at + 1).map_or(&Token::End, |placed| &placed.token)
    }

    /// Returns the line of the next token.
    pub(super) fn line(&self) -> usize {
        let placed = self.tokens.get(self.at).or(self.tokens.last());
        self.first_line + placed.map_or(1, |placed| placed.line)
    }

    /// Goes to the next token.
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Takes the operator `operator` if it is next.
    pub(super) fn take(&mut self, operator: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Operator(found) if *found == operator);
        self.at += usize::from(is_next);
        is_next
    }

    /// Says whether the operator `operator` is next.
    pub(super) fn sees(&self, operator: &str) -> bool {
        matches!(self.peek(), Token::Operator(found) if *found == operator)
    }

    /// Says whether the keyword `word` is next.
    pub(super) fn sees_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(found) if found == word)
    }

    /// Takes the keyword `word` if it is next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is_next = self.sees_word(word);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes the operator `operator`, which has to be next.
    pub(super) fn expect(&mut self, operator: &str) -> Result<(), Fault> {
        if self.take(operator) { Ok(()) } else { Err(self.unexpected(&format!("`{operator}`"))) }
    }

    /// Takes the keyword `word`, which has to be next.
    pub(super) fn expect_word(&mut self, word: &str) -> Result<(), Fault> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    /// Takes a name.
    pub(super) fn name(&mut self) -> Result<String, Fault> {
        match self.peek() {
            Token::Name(name) => {
                let name = name.clone();
                self.advance();
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    /// Returns the fault that the next token is not what is expected.
    pub(super) fn unexpected(&self, expected: &str) -> Fault {
        let found = match self.peek() {
            Token::Name(name) => format!("`{name}`"),
            Token::Operator(operator) => format!("`{operator}`"),
            Token::Int(_) | Token::Float(_) => "a number".to_owned(),
            Token::Text(_) | Token::Format { .. } => "a string".to_owned(),
            Token::Newline => "the end of the line".to_owned(),
            Token::Indent => "a deeper indentation".to_owned(),
            Token::Dedent => "the end of the block".to_owned(),
            Token::End => "the end of the text".to_owned(),
        };
        Fault::new(self.line(), format!("found {found}, expected {expected}"))
    }

    /// Runs a rule one level deeper.
    pub(super) fn deeper<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth >= DEEPEST {
            return Err(Fault::new(
                self.line(),
                format!("more than {DEEPEST} levels of brackets and blocks"),
            ));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// Skips what is left of a block after a fault in it; its first token is at `start`.
    pub(super) fn skip_block(&mut self, start: usize) {
        self.at = start;
        let mut open = 0usize;
        loop {
            match self.peek() {
                Token::Indent => open += 1,
                Token::Dedent if open <= 1 => {
                    self.advance();
                    return;
                }
                Token::Dedent => open -= 1,
                Token::End => return,
                Token::Newline if open == 0 && *self.peek_second() != Token::Indent => {
                    self.advance();
                    return;
                }
                _ => {}
            }
            self.advance();
        }
    }

    /// Returns the place of the next token, for [`Parser::skip_block`].
    pub(super) fn place(&self) -> usize {
        self.at
    }
}
