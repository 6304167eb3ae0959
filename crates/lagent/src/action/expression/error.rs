//! Why an expression has no value.

use super::limits::BITS;

/// The reason why an expression has no value. Positions count characters from 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpressionError {
    /// A character that the grammar does not allow at this place.
    #[error("position {position}: found {found}, expected {expected}")]
    Unexpected {
        /// Position of the character.
        position: usize,
        /// The character in backticks, or `the end`.
        found: String,
        /// What the grammar allows there.
        expected: &'static str,
    },
    /// A word that is neither a function nor a unit nor a constant.
    #[error("position {position}: found the name `{name}`, expected a function, a unit, `pi` or `e`")]
    UnknownName {
        /// Position of the first letter.
        position: usize,
        /// The word as it is written.
        name: String,
    },
    /// Quantities that cannot be combined, such as a length and a time.
    #[error("position {position}: found {found}, expected {expected}")]
    Units {
        /// Position of the operator or function.
        position: usize,
        /// The unit that does not fit.
        found: String,
        /// The unit that would fit.
        expected: String,
    },
    /// Arguments that a function is not defined for.
    #[error("position {position}: {function}: found {found}, expected {expected}")]
    Argument {
        /// Position of the function's name.
        position: usize,
        /// Name of the function.
        function: String,
        /// What was given instead.
        found: String,
        /// What the function is defined for.
        expected: &'static str,
    },
    /// A division, remainder or negative power of zero.
    #[error("position {position}: division by zero")]
    DivisionByZero {
        /// Position of the operator.
        position: usize,
    },
    /// An exponent that is larger than `BITS`, or a fraction where the result would not be a real number.
    #[error("position {position}: found the exponent {found}, expected a whole number of at most {BITS}")]
    Exponent {
        /// Position of the operator.
        position: usize,
        /// The value of the exponent as text.
        found: String,
    },
    /// An intermediate result of more than `BITS` bits.
    #[error("position {position}: the result has more than {BITS} bits")]
    TooLarge {
        /// Position of the operator.
        position: usize,
    },
    /// An expression that exceeds the length or nesting limit.
    #[error("the expression is too {what}")]
    TooMuch {
        /// The exceeded limit: `long` or `deeply nested`.
        what: &'static str,
    },
}
