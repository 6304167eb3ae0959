//! [`Expr`]: a formula as a tree.

use num_bigint::BigInt;
use num_rational::BigRational;

/// A formula, a set or a relation.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::score) enum Expr {
    /// A whole number or a fraction of whole numbers.
    Number(BigRational),
    /// A number that was written with a decimal point. It is compared after rounding.
    Decimal(BigRational),
    /// A number followed by a percent sign.
    Percent(Box<Expr>),
    /// A variable or a word.
    Symbol(String),
    Constant(Constant),
    Add(Vec<Expr>),
    Mul(Vec<Expr>),
    Pow(Box<Expr>, Box<Expr>),
    /// A function by its name, known or not.
    Call(String, Vec<Expr>),
    Matrix(Vec<Vec<Expr>>),
    /// A finite set in the order in which it was written, without repetitions.
    Set(Vec<Expr>),
    Tuple(Vec<Expr>),
    Interval(Box<Interval>),
    Union(Vec<Expr>),
    Intersection(Vec<Expr>),
    Complement(Box<Expr>, Box<Expr>),
    NamedSet(NamedSet),
    /// A chain such as `1 < x < 2`: its first side, then each sign with the side that follows it.
    Relation(Box<Expr>, Vec<(Sign, Expr)>),
}

/// Numbers that have a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::score) enum Constant {
    Pi,
    Euler,
    EulerGamma,
    ImaginaryUnit,
    Infinity,
    MinusInfinity,
}

/// Sets that have a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::score) enum NamedSet {
    Empty,
    Naturals,
    Integers,
    Rationals,
    Reals,
    Complexes,
    Primes,
}

/// The sign of a relation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::score) enum Sign {
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    NotEqual,
    Approx,
    In,
    NotIn,
}

impl Sign {
    /// Returns the sign for exchanged sides; a sign without such a partner is not returned.
    pub(in crate::score) fn flipped(self) -> Option<Self> {
        match self {
            Self::Equal => Some(Self::Equal),
            Self::Less => Some(Self::Greater),
            Self::Greater => Some(Self::Less),
            Self::LessEqual => Some(Self::GreaterEqual),
            Self::GreaterEqual => Some(Self::LessEqual),
            Self::NotEqual | Self::Approx | Self::In | Self::NotIn => None,
        }
    }
}

/// Whether an end of an interval belongs to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::score) enum End {
    Open,
    Closed,
}

/// An interval of real numbers.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::score) struct Interval {
    pub(in crate::score) left: (Expr, End),
    pub(in crate::score) right: (Expr, End),
}

impl Expr {
    /// Creates a whole number.
    pub(in crate::score) fn integer(value: i64) -> Self {
        Self::Number(BigRational::from_integer(BigInt::from(value)))
    }

    /// Creates `-expr`; a number changes its sign.
    pub(in crate::score) fn negated(self) -> Self {
        match self {
            Self::Number(value) => Self::Number(-value),
            Self::Decimal(value) => Self::Decimal(-value),
            Self::Constant(Constant::Infinity) => Self::Constant(Constant::MinusInfinity),
            Self::Constant(Constant::MinusInfinity) => Self::Constant(Constant::Infinity),
            other => Self::product(vec![Self::integer(-1), other]),
        }
    }

    /// Creates `left - right`.
    pub(in crate::score) fn difference(left: &Self, right: &Self) -> Self {
        Self::Add(vec![left.clone(), right.clone().negated()])
    }

    /// Creates a product; products inside of it are flattened.
    pub(in crate::score) fn product(factors: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(factors.len());
        for factor in factors {
            match factor {
                Self::Mul(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::Mul(flat)
    }

    /// Creates a finite set, without repetitions.
    pub(in crate::score) fn set(elements: Vec<Self>) -> Self {
        let mut unique: Vec<Self> = Vec::with_capacity(elements.len());
        for element in elements {
            if !unique.contains(&element) {
                unique.push(element);
            }
        }
        Self::Set(unique)
    }

    /// Says whether this is a set of any kind. Tuples are not sets.
    pub(in crate::score) fn is_set(&self) -> bool {
        matches!(
            self,
            Self::Set(_)
                | Self::Interval(_)
                | Self::Union(_)
                | Self::Intersection(_)
                | Self::Complement(..)
                | Self::NamedSet(_)
        )
    }

    /// Says whether arithmetic takes this: it is neither a set nor a tuple, a matrix or a relation.
    pub(in crate::score) fn is_scalar(&self) -> bool {
        !self.is_set() && !matches!(self, Self::Tuple(_) | Self::Matrix(_) | Self::Relation(..))
    }

    /// Returns the expressions that this one is directly made of.
    pub(in crate::score) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Number(_) | Self::Decimal(_) | Self::Symbol(_) | Self::Constant(_) | Self::NamedSet(_) => {
                Vec::new()
            }
            Self::Percent(inner) => vec![&**inner],
            Self::Add(items)
            | Self::Mul(items)
            | Self::Call(_, items)
            | Self::Set(items)
            | Self::Tuple(items)
            | Self::Union(items)
            | Self::Intersection(items) => items.iter().collect(),
            Self::Pow(left, right) | Self::Complement(left, right) => vec![&**left, &**right],
            Self::Matrix(rows) => rows.iter().flatten().collect(),
            Self::Interval(interval) => vec![&interval.left.0, &interval.right.0],
            Self::Relation(first, rest) => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, side)| side)).collect()
            }
        }
    }

    /// Collects the names of all variables.
    pub(in crate::score) fn symbols<'a>(&'a self, names: &mut Vec<&'a str>) {
        if let Self::Symbol(name) = self
            && !names.contains(&name.as_str())
        {
            names.push(name);
        }
        for child in self.children() {
            child.symbols(names);
        }
    }

    /// Says whether this is made of variables alone, as the left side of an assignment is.
    pub(in crate::score) fn has_only_symbols(&self) -> bool {
        match self {
            Self::Symbol(_) => true,
            Self::Pow(base, exponent) if **exponent == Self::integer(-1) => base.has_only_symbols(),
            other => {
                let children = other.children();
                !children.is_empty() && children.iter().all(|child| child.has_only_symbols())
            }
        }
    }
}
