//! The part of Python's syntax that configurations use, as trees.
//!
//! Chains of operators, of attributes and of `elif` are lists, so that the height of a tree is bounded by the depth
//! of its brackets and blocks.

use std::rc::Rc;

use super::fault::Fault;

/// An expression and its line.
#[derive(Debug)]
pub(super) struct Expr {
    /// Line of its first token, from 1.
    pub(super) line: usize,
    /// What it is.
    pub(super) kind: ExprKind,
}

/// The kinds of expressions.
#[derive(Debug)]
pub(super) enum ExprKind {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// An f-string.
    Format(Vec<Piece>),
    Name(Rc<str>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    /// Pairs of key and value; without a key it is `**value`.
    Dict(Vec<(Option<Expr>, Expr)>),
    /// `*value` in a list or a call.
    Starred(Box<Expr>),
    Comprehension(Box<Comprehension>),
    /// An expression with what follows it: `.name`, `[index]` and `(arguments)`.
    Postfix(Box<Expr>, Vec<Step>),
    /// Operators of one precedence, from left to right.
    Chain(Box<Expr>, Vec<(&'static str, Expr)>),
    /// `-x`, `+x` or `not x`.
    Unary(&'static str, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// Comparisons, `a < b <= c`.
    Compare(Box<Expr>, Vec<(&'static str, Expr)>),
    Conditional(Box<Conditional>),
    Lambda,
}

/// A part of an f-string.
#[derive(Debug)]
pub(super) enum Piece {
    /// Text that is printed as it is.
    Text(Rc<str>),
    /// `{value!conversion:spec}`.
    Field {
        /// What is printed.
        value: Expr,
        /// Whether `!r` was written.
        is_repr: bool,
        /// The format, which may have fields of its own.
        spec: Vec<Piece>,
    },
}

/// `yes if condition else no`.
#[derive(Debug)]
pub(super) struct Conditional {
    pub(super) condition: Expr,
    pub(super) yes: Expr,
    pub(super) no: Expr,
}

/// A list, a dictionary or a generator that is computed from others.
#[derive(Debug)]
pub(super) struct Comprehension {
    /// Key of a dictionary's entries; absent for lists and generators.
    pub(super) key: Option<Expr>,
    pub(super) value: Expr,
    pub(super) clauses: Vec<Clause>,
}

/// `for target in iterable if condition`.
#[derive(Debug)]
pub(super) struct Clause {
    pub(super) target: Expr,
    pub(super) iterable: Expr,
    pub(super) conditions: Vec<Expr>,
}

/// What follows an expression.
#[derive(Debug)]
pub(super) enum Step {
    Attribute(Rc<str>),
    Index(Expr),
    /// `[start:stop]`, without a step.
    Slice(Option<Expr>, Option<Expr>),
    Call(Call),
}

/// The arguments of a call.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) positional: Vec<Expr>,
    /// Arguments by name; without a name it is `**value`.
    pub(super) named: Vec<(Option<Rc<str>>, Expr)>,
}

/// A statement and its line.
#[derive(Debug)]
pub(super) struct Statement {
    /// Line of its first token, from 1.
    pub(super) line: usize,
    /// What it is.
    pub(super) kind: StatementKind,
}

/// The kinds of statements.
#[derive(Debug)]
pub(super) enum StatementKind {
    Assign(Vec<Expr>, Expr),
    /// `target += value`; the operator is without its `=`.
    Augment(Expr, &'static str, Expr),
    Expression(Expr),
    For(Clause, Vec<Statement>),
    /// The branches with their conditions, and `else`.
    If(Vec<(Expr, Vec<Statement>)>, Vec<Statement>),
    /// `with read_base():`.
    ReadBase(Vec<Statement>),
    /// `with value as target:`.
    With(Expr, Option<Expr>, Vec<Statement>),
    Import(Vec<Alias>),
    From(FromImport),
    Define(Rc<Definition>),
    /// A class, of which only the name is known.
    Class(Rc<str>),
    Delete(Vec<Expr>),
    Assert(Expr),
    Raise,
    Return(Option<Expr>),
    Break,
    Continue,
    Pass,
}

/// `name as alias`.
#[derive(Debug)]
pub(super) struct Alias {
    /// The name, of a module with its dots; `*` for all names.
    pub(super) name: Rc<str>,
    /// The new name.
    pub(super) alias: Option<Rc<str>>,
}

/// `from ..module import names`.
#[derive(Debug)]
pub(super) struct FromImport {
    /// Number of dots in front.
    pub(super) level: usize,
    /// The module with its inner dots; may be empty.
    pub(super) module: String,
    pub(super) names: Vec<Alias>,
}

/// A function.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: Rc<str>,
    /// Parameters with their defaults.
    pub(super) parameters: Vec<(Rc<str>, Option<Expr>)>,
    /// Its statements; a construct that is not supported counts only when the function is called.
    pub(super) body: Result<Vec<Statement>, Fault>,
}
