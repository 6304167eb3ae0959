//! Exact values of arithmetic expressions: numbers, `+ - * /`, powers and brackets.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{ToPrimitive, Zero};

/// The maximum nesting of brackets and signs.
const MAX_DEPTH: usize = 64;

/// The maximum size of a value in bits.
const MAX_BITS: u64 = 2048;

/// Computes an expression. `None` if it is not one, if it divides by zero, or if its value is too large.
pub(super) fn computed(text: &str) -> Option<BigRational> {
    let text = text.replace("**", "^");
    let mut reader = Reader { rest: &text, depth: 0 };
    let value = reader.sum()?;
    reader.rest.trim().is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn eat(&mut self, sign: char) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn sum(&mut self) -> Option<BigRational> {
        let mut value = self.product()?;
        loop {
            if self.eat('+') {
                value = bounded(value + self.product()?)?;
            } else if self.eat('-') {
                value = bounded(value - self.product()?)?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<BigRational> {
        let mut value = self.signed()?;
        loop {
            if self.eat('*') {
                value = bounded(value * self.signed()?)?;
            } else if self.eat('/') {
                let divisor = self.signed()?;
                value = if divisor.is_zero() { return None } else { bounded(value / divisor)? };
            } else {
                return Some(value);
            }
        }
    }

    fn signed(&mut self) -> Option<BigRational> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let value = self.signed_here();
        self.depth -= 1;
        value
    }

    fn signed_here(&mut self) -> Option<BigRational> {
        if self.eat('-') {
            return self.signed().map(|value| -value);
        }
        if self.eat('+') {
            return self.signed();
        }
        let base = self.atom()?;
        if !self.eat('^') {
            return Some(base);
        }
        let exponent = self.signed()?;
        let exponent = exponent.is_integer().then(|| exponent.numer().to_i32()).flatten()?;
        let bits = base.numer().bits().max(base.denom().bits());
        let fits = bits.saturating_mul(u64::from(exponent.unsigned_abs())) <= MAX_BITS;
        (fits && (exponent >= 0 || !base.is_zero())).then(|| base.pow(exponent))
    }

    fn atom(&mut self) -> Option<BigRational> {
        if self.eat('(') {
            let value = self.sum()?;
            return self.eat(')').then_some(value);
        }
        self.rest = self.rest.trim_start();
        let ends = |letter: char| !letter.is_ascii_digit() && letter != '.';
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        let number = &self.rest[..length];
        self.rest = &self.rest[length..];
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits: BigInt = format!("{whole}{fraction}").parse().ok()?;
        let scale = BigInt::from(10).pow(u32::try_from(fraction.len()).ok()?);
        bounded(BigRational::new(digits, scale))
    }
}

fn bounded(value: BigRational) -> Option<BigRational> {
    (value.numer().bits() <= MAX_BITS && value.denom().bits() <= MAX_BITS).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_computed_exactly() {
        for (text, upper, lower) in [
            ("(4 + 8) * (6 - 4)", 24, 1),
            ("8 / (3 - 8/3)", 24, 1),
            ("-2**2 + 1.5", -5, 2),
            ("2^-1", 1, 2),
            ("1 - -1", 2, 1),
        ] {
            let expected = BigRational::new(upper.into(), lower.into());
            assert_eq!(computed(text), Some(expected), "{text}");
        }
        for text in ["", "1 +", "(1", "1/0", "0^-1", "2 3", "x", "9^9999", "1.2.3"] {
            assert_eq!(computed(text), None, "{text}");
        }
        assert_eq!(computed(&"(".repeat(100_000)), None, "deep nesting ends early");
        assert_eq!(computed(&"-".repeat(100_000)), None, "many signs end early");
    }
}
