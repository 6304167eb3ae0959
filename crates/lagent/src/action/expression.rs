//! Exact arithmetic on text: whole numbers and fractions of any size, functions and units, without rounding where the
//! result is a fraction.
//!
//! Grammar, loosest binding first. As in Python, `^` associates to the right and binds tighter than a sign
//! in front of it:
//!
//! ```text
//! quantity = sum (("to" | "in" | "as") product)?
//! sum      = product (("+" | "-") product)*
//! product  = signed (("*" | "x" | "×" | "/" | "÷" | "//" | "%") signed)*
//! signed   = ("-" | "+") signed | power
//! power    = atom "!"* (("^" | "**") signed)?
//! atom     = number (unit ("^" signed)?)? | "(" sum ")" | unit | "pi" | "e" | function "(" sum ("," sum)* ")"
//! ```
//!
//! Numbers are written as in Python and JSON, with commas between groups of three as well: `1,234.5`, `1_000`, `9e-6`;
//! inside a function a comma separates arguments. Since `x` multiplies, `0x10` would have two meanings and is refused.
//! A unit behind a number belongs to it, so `6 km / 2 h` is 3 km/h. `log` is the natural logarithm, as in Python.

mod constants;
mod error;
mod functions;
mod limits;
mod parser;
mod printed;
mod quantity;
mod roots;
mod units;

pub use error::ExpressionError;
pub use printed::number_text;
pub use quantity::Quantity;

use limits::LENGTH;
use parser::Parser;

/// Computes the value of an expression.
///
/// ```
/// use lagent::action::evaluate;
///
/// assert_eq!(evaluate("2 * (3 + 4) / 4")?.to_string(), "3.5");
/// assert_eq!(evaluate("sqrt(2)")?.to_string(), "≈ 1.41421356237");
/// assert_eq!(evaluate("90 km / 1.5 h to m/s")?.to_string(), "50/3 ≈ 16.666666666667 m/s");
/// # Ok::<(), lagent::action::ExpressionError>(())
/// ```
///
/// # Errors
/// [`ExpressionError`], with the position of the problem.
pub fn evaluate(expression: &str) -> Result<Quantity, ExpressionError> {
    let characters: Vec<char> = expression.chars().collect();
    if characters.len() > LENGTH {
        return Err(ExpressionError::TooMuch { what: "long" });
    }
    Parser::new(characters).quantity()
}

#[cfg(test)]
mod tests;
