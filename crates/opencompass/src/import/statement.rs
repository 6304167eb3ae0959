//! Statements: from tokens to trees.

use std::rc::Rc;

use super::ast::{Alias, Clause, Definition, Expr, ExprKind, FromImport, Statement, StatementKind};
use super::fault::Fault;
use super::parser::Parser;
use super::token::Token;

/// Statements that configurations do not use.
const UNSUPPORTED: &[&str] = &["async", "await", "global", "nonlocal", "try", "while", "yield"];

/// Operators with an assignment, and the operator alone.
const AUGMENTED: &[(&str, &str)] =
    &[("+=", "+"), ("-=", "-"), ("*=", "*"), ("/=", "/"), ("//=", "//"), ("%=", "%"), ("**=", "**")];

impl Parser {
    /// All statements of a file.
    pub(super) fn file(&mut self) -> Result<Vec<Statement>, Fault> {
        let mut statements = Vec::new();
        loop {
            match self.peek() {
                Token::End => return Ok(statements),
                Token::Newline => self.advance(),
                _ => self.statement(&mut statements)?,
            }
        }
    }

    /// Takes the end of a line.
    pub(super) fn line_end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Token::Newline => {
                self.advance();
                Ok(())
            }
            Token::End => Ok(()),
            _ => Err(self.unexpected("the end of the line")),
        }
    }

    /// A compound statement, or a line of simple ones.
    fn statement(&mut self, statements: &mut Vec<Statement>) -> Result<(), Fault> {
        let line = self.line();
        let word = match self.peek() {
            Token::Name(name) => name.clone(),
            Token::Operator("@") => return Err(Fault::new(line, "decorators are not supported")),
            _ => String::new(),
        };
        let kind = match word.as_str() {
            word if UNSUPPORTED.contains(&word) => {
                return Err(Fault::new(line, format!("`{word}` is not supported")));
            }
            "for" => self.for_loop()?,
            "if" => self.if_branches()?,
            "with" => self.with()?,
            "def" => self.definition()?,
            "class" => self.class()?,
            _ => loop {
                statements.push(self.simple()?);
                if !self.take(";") || matches!(self.peek(), Token::Newline) {
                    return self.line_end();
                }
            },
        };
        statements.push(Statement { line, kind });
        Ok(())
    }

    /// A colon and the statements behind it.
    fn block(&mut self) -> Result<Vec<Statement>, Fault> {
        self.expect(":")?;
        self.deeper(|parser| {
            let mut statements = Vec::new();
            if *parser.peek() != Token::Newline {
                parser.statement(&mut statements)?;
                return Ok(statements);
            }
            parser.advance();
            if *parser.peek() != Token::Indent {
                return Err(parser.unexpected("a block"));
            }
            parser.advance();
            while *parser.peek() != Token::Dedent {
                match parser.peek() {
                    Token::Newline => parser.advance(),
                    Token::End => break,
                    _ => parser.statement(&mut statements)?,
                }
            }
            parser.advance();
            Ok(statements)
        })
    }

    fn for_loop(&mut self) -> Result<StatementKind, Fault> {
        self.expect_word("for")?;
        let target = self.targets()?;
        self.expect_word("in")?;
        let iterable = self.expressions()?;
        let body = self.block()?;
        if self.sees_word("else") {
            return Err(Fault::new(self.line(), "`else` of a loop is not supported"));
        }
        Ok(StatementKind::For(Clause { target, iterable, conditions: Vec::new() }, body))
    }

    fn if_branches(&mut self) -> Result<StatementKind, Fault> {
        self.expect_word("if")?;
        let mut branches = vec![(self.expression()?, self.block()?)];
        while self.take_word("elif") {
            branches.push((self.expression()?, self.block()?));
        }
        let otherwise = if self.take_word("else") { self.block()? } else { Vec::new() };
        Ok(StatementKind::If(branches, otherwise))
    }

    fn with(&mut self) -> Result<StatementKind, Fault> {
        self.expect_word("with")?;
        let value = self.expression()?;
        let target = if self.take_word("as") { Some(self.targets()?) } else { None };
        let body = self.block()?;
        if is_read_base(&value) {
            return Ok(StatementKind::ReadBase(body));
        }
        Ok(StatementKind::With(value, target, body))
    }

    fn definition(&mut self) -> Result<StatementKind, Fault> {
        self.expect_word("def")?;
        let name: Rc<str> = self.name()?.into();
        self.expect("(")?;
        let mut parameters = Vec::new();
        while !self.take(")") {
            if self.take("*") || self.take("**") {
                return Err(Fault::new(self.line(), "parameters with `*` are not supported"));
            }
            let parameter: Rc<str> = self.name()?.into();
            if self.take(":") {
                self.expression()?;
            }
            let default = if self.take("=") { Some(self.expression()?) } else { None };
            parameters.push((parameter, default));
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        if self.take("->") {
            self.expression()?;
        }
        let start = self.place() + 1;
        let body = self.block();
        if body.is_err() {
            self.skip_block(start);
        }
        Ok(StatementKind::Define(Rc::new(Definition { name, parameters, body })))
    }

    fn class(&mut self) -> Result<StatementKind, Fault> {
        self.expect_word("class")?;
        let name = self.name()?;
        if self.take("(") {
            while !self.take(")") {
                self.expression()?;
                if !self.take(",") && !self.sees(")") {
                    return Err(self.unexpected("`)`"));
                }
            }
        }
        self.expect(":")?;
        self.skip_block(self.place());
        Ok(StatementKind::Class(name.into()))
    }

    /// A statement of one line.
    fn simple(&mut self) -> Result<Statement, Fault> {
        let line = self.line();
        let kind = if self.take_word("import") {
            StatementKind::Import(self.aliases()?)
        } else if self.take_word("from") {
            self.from()?
        } else if self.take_word("del") {
            let targets = self.targets()?;
            StatementKind::Delete(match targets.kind {
                ExprKind::Tuple(items) => items,
                kind => vec![Expr { line, kind }],
            })
        } else if self.take_word("assert") {
            let condition = self.expression()?;
            if self.take(",") {
                self.expression()?;
            }
            StatementKind::Assert(condition)
        } else if self.take_word("raise") {
            if !matches!(self.peek(), Token::Newline) {
                self.expression()?;
            }
            StatementKind::Raise
        } else if self.take_word("return") {
            let is_empty = matches!(self.peek(), Token::Newline | Token::End | Token::Dedent);
            StatementKind::Return(if is_empty { None } else { Some(self.expressions()?) })
        } else if self.take_word("break") {
            StatementKind::Break
        } else if self.take_word("continue") {
            StatementKind::Continue
        } else if self.take_word("pass") {
            StatementKind::Pass
        } else {
            self.assignment()?
        };
        Ok(Statement { line, kind })
    }

    fn assignment(&mut self) -> Result<StatementKind, Fault> {
        let first = self.expressions()?;
        for &(written, operator) in AUGMENTED {
            if self.take(written) {
                return Ok(StatementKind::Augment(first, operator, self.expressions()?));
            }
        }
        // The type behind `name: type` says nothing to us.
        if self.take(":") {
            self.expression()?;
            if !self.sees("=") {
                return Ok(StatementKind::Pass);
            }
        }
        let mut parts = Vec::new();
        let mut value = first;
        while self.take("=") {
            parts.push(value);
            value = self.expressions()?;
        }
        if parts.is_empty() {
            return Ok(StatementKind::Expression(value));
        }
        Ok(StatementKind::Assign(parts, value))
    }

    fn from(&mut self) -> Result<StatementKind, Fault> {
        let mut level = 0;
        loop {
            if self.take(".") {
                level += 1;
            } else if self.take("...") {
                level += 3;
            } else {
                break;
            }
        }
        let module = if self.sees_word("import") { String::new() } else { self.dotted()? };
        self.expect_word("import")?;
        let names = if self.take("*") {
            vec![Alias { name: "*".into(), alias: None }]
        } else if self.take("(") {
            let names = self.aliases()?;
            self.expect(")")?;
            names
        } else {
            self.aliases()?
        };
        Ok(StatementKind::From(FromImport { level, module, names }))
    }

    /// Names with commas between them, each with the name that it gets.
    fn aliases(&mut self) -> Result<Vec<Alias>, Fault> {
        let mut aliases = Vec::new();
        loop {
            let name = self.dotted()?.into();
            let alias = if self.take_word("as") { Some(self.name()?.into()) } else { None };
            aliases.push(Alias { name, alias });
            if !self.take(",") || !matches!(self.peek(), Token::Name(_)) {
                return Ok(aliases);
            }
        }
    }

    fn dotted(&mut self) -> Result<String, Fault> {
        let mut name = self.name()?;
        while self.take(".") {
            name.push('.');
            name.push_str(&self.name()?);
        }
        Ok(name)
    }
}

/// Says whether an expression is the call `read_base()`.
fn is_read_base(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Postfix(base, steps) => {
            steps.len() == 1 && matches!(&base.kind, ExprKind::Name(name) if &**name == "read_base")
        }
        _ => false,
    }
}
