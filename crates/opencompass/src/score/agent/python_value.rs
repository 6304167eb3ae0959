//! [`Python`]: values of Python as data, and what can be computed with its numbers.

use serde_json::Value;

/// A value of Python.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Python {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number with a point or an exponent.
    Float(f64),
    /// A text, or bytes that are text.
    Text(String),
    /// A list in square brackets.
    List(Vec<Self>),
    /// A tuple, with or without parentheses.
    Tuple(Vec<Self>),
    /// A set in braces.
    Set(Vec<Self>),
    /// A dictionary in the order of its text.
    Dict(Vec<(Self, Self)>),
    /// A name that is not a value, such as a variable.
    Name(String),
    /// A call; arguments without a keyword are only counted.
    Call {
        /// Name with its dots.
        name: String,
        /// Number of arguments without a keyword.
        positional: usize,
        /// Arguments with a keyword.
        keywords: Vec<(String, Self)>,
    },
}

impl Python {
    /// Says whether there are no names and no calls in it.
    pub(super) fn is_literal(&self) -> bool {
        match self {
            Self::Name(_) | Self::Call { .. } => false,
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => items.iter().all(Self::is_literal),
            Self::Dict(pairs) => pairs.iter().all(|(key, value)| key.is_literal() && value.is_literal()),
            _ => true,
        }
    }

    /// Compares as Python's `==`: whole numbers, numbers with a point and booleans by their values, dictionaries and
    /// sets in any order.
    pub(super) fn equals(&self, other: &Self) -> bool {
        let all = |one: &[Self], other: &[Self]| {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.equals(other))
        };
        let within = |one: &[Self], other: &[Self]| {
            one.iter().all(|item| other.iter().any(|other| item.equals(other)))
        };
        match (self, other) {
            (Self::List(one), Self::List(other)) | (Self::Tuple(one), Self::Tuple(other)) => all(one, other),
            (Self::Set(one), Self::Set(other)) => within(one, other) && within(other, one),
            (Self::Dict(one), Self::Dict(other)) => {
                let has = |(key, value): &(Self, Self)| {
                    other.iter().any(|(name, other)| key.equals(name) && value.equals(other))
                };
                one.len() == other.len() && one.iter().all(has)
            }
            _ => match (self.number(), other.number()) {
                (Some(one), Some(other)) => one == other,
                _ => self == other,
            },
        }
    }

    /// The value of a number or a boolean.
    fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
}

impl From<&Value> for Python {
    /// A JSON value as Python's `json` module reads it.
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::None,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => {
                match number.as_i64().map(i128::from).or(number.as_u64().map(i128::from)) {
                    Some(number) => Self::Int(number),
                    None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
                }
            }
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(pairs) => {
                Self::Dict(pairs.iter().map(|(key, value)| (Self::Text(key.clone()), value.into())).collect())
            }
        }
    }
}

/// Returns the result of an operation on two numbers; `^` is the power. `None` for other values and without a finite
/// result.
pub(super) fn computed(one: &Python, sign: char, other: &Python) -> Option<Python> {
    if let (Python::Int(one), Python::Int(other)) = (one, other) {
        let whole = match sign {
            '+' => one.checked_add(*other),
            '-' => one.checked_sub(*other),
            '*' => one.checked_mul(*other),
            '^' => u32::try_from(*other).ok().and_then(|other| one.checked_pow(other)),
            _ => None,
        };
        if let Some(whole) = whole {
            return Some(Python::Int(whole));
        }
    }
    let number = |value: &Python| match value {
        Python::Int(number) => Some(*number as f64),
        Python::Float(number) => Some(*number),
        _ => None,
    };
    let (one, other) = (number(one)?, number(other)?);
    let result = match sign {
        '+' => one + other,
        '-' => one - other,
        '*' => one * other,
        '/' => one / other,
        _ => one.powf(other),
    };
    Some(Python::Float(result)).filter(|_| result.is_finite())
}
