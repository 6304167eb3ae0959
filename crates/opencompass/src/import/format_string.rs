//! Strings that stand next to each other, and f-strings: from their text to pieces.

use super::ast::{Expr, ExprKind, Piece};
use super::escape::unescape;
use super::fault::Fault;
use super::parser::Parser;
use super::token::Token;

/// A text that is read from left to right.
struct Cursor<'a> {
    rest: &'a str,
    line: usize,
    is_raw: bool,
}

impl Parser {
    /// One string or several in a row, which are one.
    pub(super) fn strings(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        let mut pieces = Vec::new();
        let mut text = String::new();
        loop {
            match self.peek().clone() {
                Token::Text(part) => text.push_str(&part),
                Token::Format { body, is_raw } => {
                    let mut cursor = Cursor { rest: &body, line: self.line(), is_raw };
                    self.pieces(&mut cursor, &mut text, &mut pieces)?;
                    if !cursor.rest.is_empty() {
                        return Err(Fault::new(cursor.line, "f-string: found a single `}`"));
                    }
                }
                _ => break,
            }
            self.advance();
        }
        if pieces.is_empty() {
            return Ok(Expr { line, kind: ExprKind::Text(text.into()) });
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.into()));
        }
        Ok(Expr { line, kind: ExprKind::Format(pieces) })
    }

    /// Reads text and fields up to a single `}` or the end. Text before the next field is collected in `text`.
    fn pieces(
        &self,
        cursor: &mut Cursor<'_>,
        text: &mut String,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), Fault> {
        while !cursor.rest.is_empty() {
            let end = cursor.rest.find(['{', '}']).unwrap_or(cursor.rest.len());
            let (plain, rest) = cursor.rest.split_at(end);
            cursor.rest = rest;
            if cursor.is_raw {
                text.push_str(plain);
            } else {
                text.push_str(&unescape(plain).map_err(|message| Fault::new(cursor.line, message))?);
            }
            for (double, single) in [("{{", '{'), ("}}", '}')] {
                if let Some(after) = rest.strip_prefix(double) {
                    text.push(single);
                    cursor.rest = after;
                }
            }
            if cursor.rest.len() < rest.len() {
                continue;
            }
            let Some(after) = rest.strip_prefix('{') else { return Ok(()) };
            cursor.rest = after;
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(text).into()));
            }
            pieces.push(self.field(cursor)?);
        }
        Ok(())
    }

    /// Reads a field after its `{`, up to and with its `}`.
    fn field(&self, cursor: &mut Cursor<'_>) -> Result<Piece, Fault> {
        let fault = |message: &str| Fault::new(cursor.line, format!("f-string: {message}"));
        let end = expression_end(cursor.rest).ok_or_else(|| fault("found a field without `}`"))?;
        let (source, mut rest) = cursor.rest.split_at(end);
        let mut parser = self.inside(source.trim(), cursor.line)?;
        let value = parser.deeper(Self::expressions)?;
        parser.line_end()?;
        let mut is_repr = false;
        if let Some(after) = rest.strip_prefix('!') {
            let kind = after.chars().next().unwrap_or_default();
            if !matches!(kind, 'r' | 's') {
                return Err(fault("found a conversion that is neither `!r` nor `!s`"));
            }
            is_repr = kind == 'r';
            rest = &after[1..];
        }
        let mut spec = Vec::new();
        if let Some(after) = rest.strip_prefix(':') {
            let mut inner = Cursor { rest: after, line: cursor.line, is_raw: cursor.is_raw };
            let mut text = String::new();
            parser.deeper(|parser| parser.pieces(&mut inner, &mut text, &mut spec))?;
            if !text.is_empty() {
                spec.push(Piece::Text(text.into()));
            }
            rest = inner.rest;
        }
        let after = rest.strip_prefix('}').ok_or_else(|| fault("found a field without `}`"))?;
        cursor.rest = after;
        Ok(Piece::Field { value, is_repr, spec })
    }
}

/// Returns where the expression of a field ends: at `}`, `:` or `!` outside of brackets and strings.
fn expression_end(text: &str) -> Option<usize> {
    let mut open = 0usize;
    let mut quote = None;
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        if let Some(end) = quote {
            if character == end {
                quote = None;
            }
            continue;
        }
        match character {
            '\'' | '"' => quote = Some(character),
            '(' | '[' | '{' => open += 1,
            '}' | ':' if open == 0 => return Some(index),
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '!' if open == 0 => match characters.peek() {
                Some((_, '=')) => {
                    characters.next();
                }
                _ => return Some(index),
            },
            _ => {}
        }
    }
    None
}
