//! Expressions: from tokens to trees, by precedence.

use super::ast::{Call, Clause, Comprehension, Conditional, Expr, ExprKind, Step};
use super::fault::Fault;
use super::parser::Parser;
use super::token::Token;

/// Operators by precedence, from the loosest to the tightest; each level is read from left to right.
const LEVELS: &[&[&str]] = &[&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "//", "%"]];

/// Words that cannot be names.
const KEYWORDS: &[&str] = &[
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
    "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not",
    "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

impl Parser {
    /// An expression, or several with commas between them, which are a tuple.
    pub(super) fn expressions(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        let first = self.element()?;
        if !self.sees(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take(",") {
            if !self.starts_expression() {
                break;
            }
            items.push(self.element()?);
        }
        Ok(Expr { line, kind: ExprKind::Tuple(items) })
    }

    /// One expression.
    pub(super) fn expression(&mut self) -> Result<Expr, Fault> {
        self.deeper(|parser| {
            let line = parser.line();
            if parser.take_word("lambda") {
                return parser.lambda(line);
            }
            let yes = parser.either()?;
            if !parser.take_word("if") {
                return Ok(yes);
            }
            let condition = parser.either()?;
            parser.expect_word("else")?;
            let no = parser.expression()?;
            Ok(Expr { line, kind: ExprKind::Conditional(Box::new(Conditional { condition, yes, no })) })
        })
    }

    /// Targets of an assignment or a loop.
    pub(super) fn targets(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        let first = self.deeper(Self::postfix)?;
        if !self.sees(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take(",") {
            if !self.starts_expression() {
                break;
            }
            items.push(self.deeper(Self::postfix)?);
        }
        Ok(Expr { line, kind: ExprKind::Tuple(items) })
    }

    fn starts_expression(&self) -> bool {
        match self.peek() {
            Token::Name(name) => {
                !KEYWORDS.contains(&name.as_str()) || matches!(name.as_str(), "not" | "lambda")
            }
            Token::Operator(operator) => matches!(*operator, "(" | "[" | "{" | "-" | "+" | "*"),
            Token::Int(_) | Token::Float(_) | Token::Text(_) | Token::Format { .. } => true,
            Token::Newline | Token::Indent | Token::Dedent | Token::End => false,
        }
    }

    /// An expression that may be `*value`.
    fn element(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        if self.take("*") {
            let value = self.deeper(|parser| parser.binary(0))?;
            return Ok(Expr { line, kind: ExprKind::Starred(Box::new(value)) });
        }
        self.expression()
    }

    /// The parameters and the value are read and forgotten.
    fn lambda(&mut self, line: usize) -> Result<Expr, Fault> {
        while !self.take(":") {
            if self.take("=") {
                self.expression()?;
            } else if !(self.take(",") || self.take("*") || self.take("**")) {
                self.name()?;
            }
        }
        self.expression()?;
        Ok(Expr { line, kind: ExprKind::Lambda })
    }

    fn either(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        let mut parts = vec![self.both()?];
        while self.take_word("or") {
            parts.push(self.both()?);
        }
        Ok(one_or(parts, line, ExprKind::Or))
    }

    fn both(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        let mut parts = vec![self.negation()?];
        while self.take_word("and") {
            parts.push(self.negation()?);
        }
        Ok(one_or(parts, line, ExprKind::And))
    }

    fn negation(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        if self.take_word("not") {
            let value = self.deeper(Self::negation)?;
            return Ok(Expr { line, kind: ExprKind::Unary("not", Box::new(value)) });
        }
        let first = self.binary(0)?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.comparison()? {
            rest.push((comparison, self.binary(0)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expr { line, kind: ExprKind::Compare(Box::new(first), rest) })
    }

    fn comparison(&mut self) -> Result<Option<&'static str>, Fault> {
        for operator in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.take(operator) {
                return Ok(Some(operator));
            }
        }
        if self.take_word("in") {
            return Ok(Some("in"));
        }
        if self.take_word("is") {
            return Ok(Some(if self.take_word("not") { "is not" } else { "is" }));
        }
        if self.take_word("not") {
            self.expect_word("in")?;
            return Ok(Some("not in"));
        }
        Ok(None)
    }

    /// Operators of the precedence `level` and above.
    fn binary(&mut self, level: usize) -> Result<Expr, Fault> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let line = self.line();
        let first = self.binary(level + 1)?;
        let mut rest = Vec::new();
        while let Some(operator) = operators.iter().copied().find(|operator| self.sees(operator)) {
            self.advance();
            rest.push((operator, self.binary(level + 1)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expr { line, kind: ExprKind::Chain(Box::new(first), rest) })
    }

    fn unary(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        for operator in ["-", "+"] {
            if self.take(operator) {
                let value = self.deeper(Self::unary)?;
                return Ok(Expr { line, kind: ExprKind::Unary(operator, Box::new(value)) });
            }
        }
        let base = self.postfix()?;
        if !self.take("**") {
            return Ok(base);
        }
        let exponent = self.deeper(Self::unary)?;
        Ok(Expr { line, kind: ExprKind::Chain(Box::new(base), vec![("**", exponent)]) })
    }

    fn postfix(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        let base = self.atom()?;
        let mut steps = Vec::new();
        loop {
            if self.take(".") {
                steps.push(Step::Attribute(self.name()?.into()));
            } else if self.take("[") {
                steps.push(self.subscript()?);
            } else if self.take("(") {
                steps.push(Step::Call(self.call()?));
            } else {
                break;
            }
        }
        if steps.is_empty() {
            return Ok(base);
        }
        Ok(Expr { line, kind: ExprKind::Postfix(Box::new(base), steps) })
    }

    fn subscript(&mut self) -> Result<Step, Fault> {
        let start = if self.sees(":") { None } else { Some(self.expressions()?) };
        if !self.take(":") {
            self.expect("]")?;
            return start.map(Step::Index).ok_or_else(|| self.unexpected("an index"));
        }
        let stop = if self.sees("]") { None } else { Some(self.expression()?) };
        self.expect("]")?;
        Ok(Step::Slice(start, stop))
    }

    fn call(&mut self) -> Result<Call, Fault> {
        let mut call = Call::default();
        while !self.take(")") {
            if self.take("**") {
                call.named.push((None, self.expression()?));
            } else if matches!(self.peek(), Token::Name(_)) && *self.peek_second() == Token::Operator("=") {
                let name = self.name()?;
                self.advance();
                call.named.push((Some(name.into()), self.expression()?));
            } else {
                let line = self.line();
                let value = self.element()?;
                call.positional.push(self.generator(value, line)?);
            }
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(call)
    }

    /// The rest of a generator whose first expression is `value`, or just that.
    fn generator(&mut self, value: Expr, line: usize) -> Result<Expr, Fault> {
        if !self.sees_word("for") {
            return Ok(value);
        }
        let clauses = self.clauses()?;
        Ok(Expr {
            line,
            kind: ExprKind::Comprehension(Box::new(Comprehension { key: None, value, clauses })),
        })
    }

    fn clauses(&mut self) -> Result<Vec<Clause>, Fault> {
        let mut clauses = Vec::new();
        while self.take_word("for") {
            let target = self.targets()?;
            self.expect_word("in")?;
            let iterable = self.deeper(Self::either)?;
            let mut conditions = Vec::new();
            while self.take_word("if") {
                conditions.push(self.deeper(Self::either)?);
            }
            clauses.push(Clause { target, iterable, conditions });
        }
        Ok(clauses)
    }

    fn atom(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        let token = self.peek().clone();
        let kind = match token {
            Token::Int(number) => ExprKind::Int(number),
            Token::Float(number) => ExprKind::Float(number),
            Token::Text(_) | Token::Format { .. } => return self.strings(),
            Token::Name(name) => match name.as_str() {
                "None" => ExprKind::None,
                "True" => ExprKind::Bool(true),
                "False" => ExprKind::Bool(false),
                word if KEYWORDS.contains(&word) => return Err(self.unexpected("an expression")),
                _ => ExprKind::Name(name.as_str().into()),
            },
            Token::Operator("(") => return self.parentheses(),
            Token::Operator("[") => return self.list(),
            Token::Operator("{") => return self.dict(),
            _ => return Err(self.unexpected("an expression")),
        };
        self.advance();
        Ok(Expr { line, kind })
    }

    fn parentheses(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        self.expect("(")?;
        if self.take(")") {
            return Ok(Expr { line, kind: ExprKind::Tuple(Vec::new()) });
        }
        let value = self.expressions()?;
        let value = self.generator(value, line)?;
        self.expect(")")?;
        Ok(value)
    }

    fn list(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        self.expect("[")?;
        let mut items = Vec::new();
        while !self.take("]") {
            let item = self.element()?;
            if items.is_empty() && self.sees_word("for") {
                let value = self.generator(item, line)?;
                self.expect("]")?;
                return Ok(value);
            }
            items.push(item);
            if !self.take(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(Expr { line, kind: ExprKind::List(items) })
    }

    fn dict(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        self.expect("{")?;
        let mut entries = Vec::new();
        while !self.take("}") {
            if self.take("**") {
                entries.push((None, self.expression()?));
            } else {
                let key = self.expression()?;
                if !self.take(":") {
                    return Err(Fault::new(line, "sets are not supported"));
                }
                let value = self.expression()?;
                if entries.is_empty() && self.sees_word("for") {
                    let clauses = self.clauses()?;
                    self.expect("}")?;
                    let comprehension = Comprehension { key: Some(key), value, clauses };
                    return Ok(Expr { line, kind: ExprKind::Comprehension(Box::new(comprehension)) });
                }
                entries.push((Some(key), value));
            }
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Expr { line, kind: ExprKind::Dict(entries) })
    }
}

/// A single part as it is, or several under `kind`.
fn one_or(mut parts: Vec<Expr>, line: usize, kind: fn(Vec<Expr>) -> ExprKind) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            Expr { line, kind: kind(parts) }
        }
    }
}
