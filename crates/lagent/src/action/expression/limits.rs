//! What keeps an expression from using up time, memory or the stack.

use num_rational::BigRational;

/// Maximum length of an expression in characters.
pub(super) const LENGTH: usize = 4096;
/// Maximum nesting depth of parentheses and signs; keeps the recursion off the end of the stack.
pub(super) const DEPTH: usize = 100;
/// Maximum number of bits of a numerator or denominator, about 4,900 decimal digits.
pub(super) const BITS: u64 = 1 << 14;

/// Size of a number, which decides what the next operation costs.
pub(super) fn bits(value: &BigRational) -> u64 {
    value.numer().bits().max(value.denom().bits())
}
