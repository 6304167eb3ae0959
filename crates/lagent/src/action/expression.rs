//! Exact arithmetic on text: whole numbers and fractions of any size, without rounding.
//!
//! Grammar, loosest binding first. As in Python, `^` associates to the right and binds tighter than a sign
//! in front of it:
//!
//! ```text
//! sum     = product (("+" | "-") product)*
//! product = signed (("*" | "x" | "×" | "/" | "÷" | "//" | "%") signed)*
//! signed  = ("-" | "+") signed | power
//! power   = atom (("^" | "**") signed)?
//! atom    = number | "(" sum ")"
//! ```
//!
//! Numbers are written as in Python and JSON, with commas between groups of three as well: `1,234.5`, `1_000`, `9e-6`.
//! Since `x` multiplies, `0x10` would have two meanings and is refused.

use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

/// Maximum length of an expression in characters.
const LENGTH: usize = 4096;
/// Maximum nesting depth of parentheses and signs; keeps the recursion off the end of the stack.
const DEPTH: usize = 100;
/// Maximum number of bits of a numerator or denominator, about 4,900 decimal digits.
const BITS: u64 = 1 << 14;
/// Number of decimals printed for a fraction whose decimal form never ends; zeros after the point do not count.
const DECIMALS: u32 = 12;
/// Maximum number of decimals in front of the first significant digit, that digit included, without an exponent.
const PLAIN_DECIMALS: u32 = 4;

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
    /// A division, remainder or negative power of zero.
    #[error("position {position}: division by zero")]
    DivisionByZero {
        /// Position of the operator.
        position: usize,
    },
    /// An exponent that is a fraction or larger than `BITS`.
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

/// Computes the exact value of an expression.
///
/// ```
/// let value = lagent::action::evaluate("2 * (3 + 4) / 4")?;
/// assert_eq!(lagent::action::number_text(&value), "3.5");
/// # Ok::<(), lagent::action::ExpressionError>(())
/// ```
///
/// # Errors
/// [`ExpressionError`], with the position of the problem.
pub fn evaluate(expression: &str) -> Result<BigRational, ExpressionError> {
    let characters: Vec<char> = expression.chars().collect();
    if characters.len() > LENGTH {
        return Err(ExpressionError::TooMuch { what: "long" });
    }
    let mut parser = Parser { characters, next: 0, depth: 0 };
    let value = parser.sum()?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.unexpected("an operator or the end")),
    }
}

/// Prints a number: whole numbers and finite decimals exactly, all others as `a/b ≈ decimal`.
#[must_use]
pub fn number_text(value: &BigRational) -> String {
    if value.is_integer() {
        return value.numer().to_string();
    }
    match decimals_needed(value.denom()) {
        Some(decimals) => decimal_text(value, decimals),
        None => format!("{}/{} ≈ {}", value.numer(), value.denom(), approximate_text(value)),
    }
}

/// Rounds a value that is not 0 to `DECIMALS` significant digits, or decimals if it is 1 or more. Small values have
/// an exponent.
fn approximate_text(value: &BigRational) -> String {
    let place = first_decimal(value);
    if place <= PLAIN_DECIMALS {
        return decimal_text(value, DECIMALS + place.saturating_sub(1));
    }
    let scaled = value.abs() * BigRational::from(BigInt::from(10).pow(place + DECIMALS - 1));
    let digits = scaled.round().to_integer().to_string();
    // Rounding may carry into the place before: 9.99 becomes 10.0.
    let exponent = if digits.len() > DECIMALS as usize { place - 1 } else { place };
    let (first, rest) = digits.split_at(1);
    let rest = rest.trim_end_matches('0');
    let sign = if value.is_negative() { "-" } else { "" };
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}e-{exponent}")
}

/// The decimal that the first significant digit of a value has: 1 for 0.5, 2 for 0.05, and 0 for 1 or more.
fn first_decimal(value: &BigRational) -> u32 {
    let digits = |number: &BigInt| number.magnitude().to_string().len();
    let at_least = digits(value.denom()).saturating_sub(digits(value.numer()));
    let at_least = u32::try_from(at_least).expect("numbers have at most `BITS` bits");
    let shifted = value.abs() * BigRational::from(BigInt::from(10).pow(at_least));
    if shifted < BigRational::one() { at_least + 1 } else { at_least }
}

/// Counts the decimals of the fraction 1/denominator; `None` if they never end.
fn decimals_needed(denominator: &BigInt) -> Option<u32> {
    let (mut rest, mut count) = (denominator.clone(), [0_u32; 2]);
    for (count, prime) in count.iter_mut().zip([2, 5]) {
        while (&rest % BigInt::from(prime)).is_zero() {
            rest /= BigInt::from(prime);
            *count += 1;
        }
    }
    rest.is_one().then_some(count[0].max(count[1]))
}

/// Rounds half away from zero to `decimals` and removes trailing zeros.
fn decimal_text(value: &BigRational, decimals: u32) -> String {
    let scaled = (value.abs() * BigRational::from(BigInt::from(10).pow(decimals))).round().to_integer();
    let width = decimals as usize + 1;
    let digits = format!("{scaled:0>width$}");
    let (whole, fraction) = digits.split_at(digits.len() - decimals as usize);
    let sign = if value.is_negative() && !scaled.is_zero() { "-" } else { "" };
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// A recursive-descent parser that computes while it parses.
struct Parser {
    characters: Vec<char>,
    next: usize,
    depth: usize,
}

/// A binary operator of the grammar's first two lines.
#[derive(Clone, Copy)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
}

impl Parser {
    fn sum(&mut self) -> Result<BigRational, ExpressionError> {
        self.chain(Self::product, |parser| match parser.peek()? {
            '+' => Some((Operator::Add, 1)),
            '-' | '−' => Some((Operator::Subtract, 1)),
            _ => None,
        })
    }

    fn product(&mut self) -> Result<BigRational, ExpressionError> {
        self.chain(Self::signed, |parser| match (parser.peek()?, parser.characters.get(parser.next + 1)) {
            ('*', Some('*')) => None,
            ('/', Some('/')) => Some((Operator::FloorDivide, 2)),
            ('*' | 'x' | 'X' | '×' | '·', _) => Some((Operator::Multiply, 1)),
            ('/' | '÷', _) => Some((Operator::Divide, 1)),
            ('%', _) => Some((Operator::Remainder, 1)),
            _ => None,
        })
    }

    /// Parses operands joined by operators of one precedence level, from left to right.
    fn chain(
        &mut self,
        operand: fn(&mut Self) -> Result<BigRational, ExpressionError>,
        operator: fn(&mut Self) -> Option<(Operator, usize)>,
    ) -> Result<BigRational, ExpressionError> {
        let mut value = operand(self)?;
        while let Some((operator, length)) = operator(self) {
            let position = self.next + 1;
            self.next += length;
            let right = operand(self)?;
            value = apply(operator, &value, &right, position)?;
        }
        Ok(value)
    }

    fn signed(&mut self) -> Result<BigRational, ExpressionError> {
        self.nested(|parser| match parser.peek() {
            Some('-' | '−') => {
                parser.next += 1;
                Ok(-parser.signed()?)
            }
            Some('+') => {
                parser.next += 1;
                parser.signed()
            }
            _ => parser.power(),
        })
    }

    fn power(&mut self) -> Result<BigRational, ExpressionError> {
        let base = self.atom()?;
        let length = match (self.peek(), self.characters.get(self.next + 1)) {
            (Some('^'), _) => 1,
            (Some('*'), Some('*')) => 2,
            _ => return Ok(base),
        };
        let position = self.next + 1;
        self.next += length;
        let exponent = self.signed()?;
        raise(&base, &exponent, position)
    }

    fn atom(&mut self) -> Result<BigRational, ExpressionError> {
        match self.peek() {
            Some('(') => {
                self.next += 1;
                let value = self.nested(Self::sum)?;
                match self.peek() {
                    Some(')') => self.next += 1,
                    _ => return Err(self.unexpected("an operator or `)`")),
                }
                Ok(value)
            }
            Some(character) if character.is_ascii_digit() || character == '.' => self.number(),
            _ => Err(self.unexpected("a number or `(`")),
        }
    }

    /// Parses digits with an optional decimal point and exponent. Commas are accepted only between groups of three.
    fn number(&mut self) -> Result<BigRational, ExpressionError> {
        let mut whole = self.digits();
        while self.characters.get(self.next) == Some(&',') && self.three_digits_follow() {
            self.next += 1;
            whole.push_str(&self.digits());
        }
        if whole == "0" && matches!(self.characters.get(self.next), Some('x' | 'X')) {
            return Err(self.unexpected("a decimal number, or `*` for a product"));
        }
        let mut fraction = String::new();
        if self.characters.get(self.next) == Some(&'.') {
            self.next += 1;
            fraction = self.digits();
        }
        if whole.is_empty() && fraction.is_empty() {
            return Err(self.unexpected("a digit"));
        }
        let digits = BigUint::parse_bytes(format!("0{whole}{fraction}").as_bytes(), 10);
        let digits = BigInt::from(digits.expect("only digits were collected"));
        let value = BigRational::new(digits, BigInt::from(10).pow(fraction.len()));
        if matches!(self.characters.get(self.next), Some('e' | 'E')) {
            self.scaled(&value)
        } else {
            Ok(value)
        }
    }

    /// Parses an exponent such as `e-6` and multiplies `value` by that power of ten.
    fn scaled(&mut self, value: &BigRational) -> Result<BigRational, ExpressionError> {
        let position = self.next + 1;
        self.next += 1;
        let negative = matches!(self.characters.get(self.next), Some('-' | '−'));
        self.next += usize::from(matches!(self.characters.get(self.next), Some('-' | '−' | '+')));
        let digits = self.digits();
        if digits.is_empty() {
            return Err(self.unexpected("a digit"));
        }
        let exponent = digits.parse::<u32>().ok().filter(|exponent| u64::from(*exponent) <= BITS);
        let exponent = exponent.ok_or(ExpressionError::TooLarge { position })?;
        let power = BigRational::from(BigInt::from(10).pow(exponent));
        let operator = if negative { Operator::Divide } else { Operator::Multiply };
        apply(operator, value, &power, position)
    }

    /// Collects digits. As in Python, an underscore may be between two of them.
    fn digits(&mut self) -> String {
        let mut digits = String::new();
        while let Some(next) = self.characters.get(self.next) {
            let is_digit =
                |offset: usize| self.characters.get(self.next + offset).is_some_and(char::is_ascii_digit);
            match *next {
                '0'..='9' => digits.push(*next),
                '_' if !digits.is_empty() && is_digit(1) => {}
                _ => break,
            }
            self.next += 1;
        }
        digits
    }

    fn three_digits_follow(&self) -> bool {
        let digit = |offset| self.characters.get(self.next + offset).is_some_and(char::is_ascii_digit);
        digit(1) && digit(2) && digit(3) && !digit(4)
    }

    /// Skips white space and returns the next character.
    fn peek(&mut self) -> Option<char> {
        while self.characters.get(self.next).is_some_and(|character| character.is_whitespace()) {
            self.next += 1;
        }
        self.characters.get(self.next).copied()
    }

    fn nested(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<BigRational, ExpressionError>,
    ) -> Result<BigRational, ExpressionError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(ExpressionError::TooMuch { what: "deeply nested" });
        }
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn unexpected(&mut self, expected: &'static str) -> ExpressionError {
        let found = self.peek().map_or("the end".to_owned(), |character| format!("`{character}`"));
        ExpressionError::Unexpected { position: self.next + 1, found, expected }
    }
}

fn apply(
    operator: Operator,
    left: &BigRational,
    right: &BigRational,
    position: usize,
) -> Result<BigRational, ExpressionError> {
    let divides = matches!(operator, Operator::Divide | Operator::FloorDivide | Operator::Remainder);
    if divides && right.is_zero() {
        return Err(ExpressionError::DivisionByZero { position });
    }
    let value = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::FloorDivide => (left / right).floor(),
        // The result has the sign of the right operand, as in Python.
        Operator::Remainder => left - right * (left / right).floor(),
    };
    if bits(&value) > BITS { Err(ExpressionError::TooLarge { position }) } else { Ok(value) }
}

fn raise(
    base: &BigRational,
    exponent: &BigRational,
    position: usize,
) -> Result<BigRational, ExpressionError> {
    let whole = exponent.is_integer().then(|| exponent.to_integer().to_i32()).flatten();
    let Some(whole) = whole.filter(|whole| u64::from(whole.unsigned_abs()) <= BITS) else {
        return Err(ExpressionError::Exponent { position, found: number_text(exponent) });
    };
    if whole < 0 && base.is_zero() {
        return Err(ExpressionError::DivisionByZero { position });
    }
    // Checked before computing, since computing is what could exhaust memory: the result has at least half
    // of these bits.
    if bits(base).saturating_sub(1) * u64::from(whole.unsigned_abs()) > BITS {
        return Err(ExpressionError::TooLarge { position });
    }
    Ok(Pow::pow(base, whole))
}

fn bits(value: &BigRational) -> u64 {
    value.numer().bits().max(value.denom().bits())
}

#[cfg(test)]
mod tests;
