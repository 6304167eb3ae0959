//! Matrices and determinants between `\begin` and `\end`.

use super::expr::Expr;
use super::parser::Parser;
use super::scalar;
use super::token::Kind;

/// The maximum number of rows of a determinant, which is expanded along its first row.
const MAX_DETERMINANT: usize = 4;

impl Parser<'_> {
    /// Parses what follows `\begin`. Environments other than matrices are not formulas.
    pub(super) fn matrix(&mut self) -> Option<Expr> {
        let name = self.braced_word()?;
        let known = matches!(name.as_str(), "matrix" | "pmatrix" | "bmatrix" | "vmatrix" | "array");
        if !known {
            return None;
        }
        if name == "array" {
            self.braced_word()?;
        }
        let rows = self.inside(Self::rows)?;
        self.advance().filter(|token| token.text == "\\end")?;
        if self.braced_word()? != name || rows.iter().any(|row| row.len() != rows[0].len()) {
            return None;
        }
        if name == "vmatrix" { determinant(&rows) } else { Some(Expr::Matrix(rows)) }
    }

    fn rows(&mut self) -> Option<Vec<Vec<Expr>>> {
        let mut rows = vec![vec![self.additive()?]];
        loop {
            if self.eat('&') {
                let element = self.additive()?;
                rows.last_mut()?.push(element);
            } else if self.eat('⏎') {
                if self.at_command("\\end") {
                    return Some(rows);
                }
                rows.push(vec![self.additive()?]);
            } else {
                return Some(rows);
            }
        }
    }

    /// Reads a word in braces. Its letters are tokens of their own.
    fn braced_word(&mut self) -> Option<String> {
        self.expect('{')?;
        let from = self.mark();
        while !self.at('}') {
            self.advance().filter(|token| !matches!(token.kind, Kind::Sign(_) | Kind::Command))?;
        }
        let word = self.spelling(from);
        self.expect('}')?;
        Some(word)
    }
}

fn determinant(rows: &[Vec<Expr>]) -> Option<Expr> {
    let square = rows.iter().all(|row| row.len() == rows.len());
    if !square || rows.len() > MAX_DETERMINANT {
        return None;
    }
    if let [row] = rows {
        return row.first().cloned();
    }
    let mut terms = Vec::with_capacity(rows.len());
    for (column, factor) in rows[0].iter().enumerate() {
        let minor: Vec<Vec<Expr>> = rows[1..]
            .iter()
            .map(|row| {
                let kept = row.iter().enumerate().filter(|(index, _)| *index != column);
                kept.map(|(_, element)| element.clone()).collect()
            })
            .collect();
        let term = scalar::multiply(factor.clone(), determinant(&minor)?)?;
        terms.push(if column % 2 == 0 { term } else { scalar::negate(term)? });
    }
    Some(Expr::Add(terms))
}
