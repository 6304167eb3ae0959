//! The functions of expressions: exact where the result is a fraction, otherwise rounded.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

use super::error::ExpressionError;
use super::limits::{BITS, bits};
use super::quantity::Quantity;
use super::roots::root;

/// Steps per unit that sines and their like are rounded to: they are not more certain than that.
const STEPS: f64 = 1e15;
/// Maximum number of which a factorial is computed before its size is checked.
const FACTORIAL: u32 = 100_000;

/// Functions of one number whose values are hardly ever fractions.
const TRANSCENDENTAL: [&str; 12] =
    ["acos", "asin", "atan", "cos", "cosh", "degrees", "exp", "radians", "sin", "sinh", "tan", "tanh"];

/// One call of a function.
pub(super) struct FunctionCall<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: &'a [Quantity],
    pub(super) position: usize,
}

type Computed = Result<Quantity, ExpressionError>;

/// Whether there is a function of this name.
pub(super) fn is_function(name: &str) -> bool {
    const NAMES: [&str; 41] = [
        "abs",
        "acos",
        "asin",
        "atan",
        "atan2",
        "avg",
        "cbrt",
        "ceil",
        "comb",
        "cos",
        "cosh",
        "degrees",
        "exp",
        "factorial",
        "floor",
        "gcd",
        "hypot",
        "lcm",
        "lg",
        "ln",
        "log",
        "log10",
        "log2",
        "max",
        "mean",
        "min",
        "mod",
        "perm",
        "pow",
        "radians",
        "root",
        "round",
        "sign",
        "sin",
        "sinh",
        "sqrt",
        "sum",
        "tan",
        "tanh",
        "trunc",
        "binomial",
    ];
    NAMES.contains(&name)
}

impl FunctionCall<'_> {
    /// Computes the value.
    pub(super) fn value(&self) -> Computed {
        match (self.name, self.arguments) {
            ("abs" | "floor" | "ceil" | "trunc" | "sign" | "round", [argument]) => Ok(self.step(argument)),
            ("round", [argument, digits]) => self.round_to(argument, digits),
            ("sqrt", [argument]) => self.root_of(argument, 2),
            ("cbrt", [argument]) => self.root_of(argument, 3),
            ("root", [argument, degree]) => {
                let whole = self.whole(degree)?.to_u32().filter(|whole| (1..=64).contains(whole));
                let whole = whole.ok_or_else(|| self.wrong(degree, "a degree from 1 to 64"))?;
                self.root_of(argument, whole)
            }
            ("max" | "min" | "sum" | "mean" | "avg", [first, rest @ ..]) => self.of_all(first, rest),
            ("gcd" | "lcm", [first, rest @ ..]) => self.common(first, rest),
            ("factorial", [argument]) => self.factorial(argument),
            ("comb" | "binomial" | "perm", [from, taken]) => self.choices(from, taken),
            ("mod", [left, right]) => self.modulo(left, right),
            ("pow", [base, exponent]) => super::roots::raise(base, exponent, self.position),
            ("log", [argument, base]) => self.logarithm(argument, Some(base)),
            ("log" | "ln" | "lg" | "log10" | "log2", [argument]) => self.logarithm(argument, None),
            ("atan2" | "hypot", [left, right]) => self.pair(left, right),
            (name, [argument]) if TRANSCENDENTAL.contains(&name) => self.transcendental(argument),
            _ => Err(ExpressionError::Argument {
                position: self.position,
                function: self.name.to_owned(),
                found: format!("{} arguments", self.arguments.len()),
                expected: "another number of arguments",
            }),
        }
    }

    fn step(&self, argument: &Quantity) -> Quantity {
        let value = &argument.value;
        match self.name {
            "abs" => argument.with_value(value.abs()),
            "floor" => argument.with_value(value.floor()),
            "ceil" => argument.with_value(value.ceil()),
            "trunc" => argument.with_value(value.trunc()),
            "sign" => Quantity::exact(value.signum()),
            _ => argument.with_value(value.round()),
        }
    }

    fn round_to(&self, argument: &Quantity, digits: &Quantity) -> Computed {
        let digits = self.whole(digits)?.to_i32().filter(|digits| digits.unsigned_abs() <= 1000);
        let digits = digits.ok_or_else(|| self.wrong(&self.arguments[1], "at most 1000 digits"))?;
        let scale = Pow::pow(BigRational::from(BigInt::from(10)), digits);
        Ok(argument.with_value((&argument.value * &scale).round() / scale))
    }

    fn root_of(&self, argument: &Quantity, degree: u32) -> Computed {
        root(argument, degree).ok_or_else(|| self.wrong(argument, "a number and a unit with a real root"))
    }

    /// Functions of a list of quantities in the same unit.
    fn of_all(&self, first: &Quantity, rest: &[Quantity]) -> Computed {
        let mut total = first.clone();
        for next in rest {
            if next.dimension != first.dimension {
                let (found, expected) = (next.dimension.to_string(), first.dimension.to_string());
                return Err(ExpressionError::Units { position: self.position, found, expected });
            }
            total.exactness = total.exactness_with(next);
            total.value = match self.name {
                "max" => total.value.max(next.value.clone()),
                "min" => total.value.min(next.value.clone()),
                _ => total.value + &next.value,
            };
            self.check_size(&total.value)?;
        }
        if matches!(self.name, "mean" | "avg") {
            total.value /= BigRational::from(BigInt::from(rest.len() + 1));
        }
        Ok(total)
    }

    fn common(&self, first: &Quantity, rest: &[Quantity]) -> Computed {
        let mut total = self.whole(first)?;
        for next in rest {
            let next = self.whole(next)?;
            let divisor = greatest_common_divisor(total.clone(), next.clone());
            total = match self.name {
                "gcd" => divisor,
                _ if divisor.is_zero() => divisor,
                _ => total / divisor * next,
            };
            self.check_size(&BigRational::from(total.clone()))?;
        }
        Ok(Quantity::exact(BigRational::from(total.abs())))
    }

    fn factorial(&self, argument: &Quantity) -> Computed {
        let number = self.whole(argument)?.to_u32().filter(|number| *number <= FACTORIAL);
        let number = number.ok_or_else(|| self.wrong(argument, "a whole number from 0 to 100000"))?;
        self.product((1..=number).map(BigInt::from)).map(|value| Quantity::exact(BigRational::from(value)))
    }

    /// Number of ways to take some of a set, in order (`perm`) or not.
    fn choices(&self, from: &Quantity, taken: &Quantity) -> Computed {
        let expected = "whole numbers from 0 to 100000";
        let size = |argument: &Quantity| {
            let whole = self.whole(argument)?.to_u32().filter(|number| *number <= FACTORIAL);
            whole.ok_or_else(|| self.wrong(argument, expected))
        };
        let (from, mut taken) = (size(from)?, size(taken)?);
        if taken > from {
            return Ok(Quantity::exact(BigRational::zero()));
        }
        if self.name != "perm" {
            taken = taken.min(from - taken);
        }
        let ordered = self.product((from - taken + 1..=from).map(BigInt::from))?;
        let divisor =
            if self.name == "perm" { BigInt::one() } else { self.product((1..=taken).map(BigInt::from))? };
        Ok(Quantity::exact(BigRational::new(ordered, divisor)))
    }

    fn product(&self, mut factors: impl Iterator<Item = BigInt>) -> Result<BigInt, ExpressionError> {
        factors.try_fold(BigInt::one(), |product, factor| {
            let product = product * factor;
            if product.bits() > BITS {
                Err(ExpressionError::TooLarge { position: self.position })
            } else {
                Ok(product)
            }
        })
    }

    fn modulo(&self, left: &Quantity, right: &Quantity) -> Computed {
        if right.value.is_zero() {
            return Err(ExpressionError::DivisionByZero { position: self.position });
        }
        if left.dimension != right.dimension {
            let (found, expected) = (right.dimension.to_string(), left.dimension.to_string());
            return Err(ExpressionError::Units { position: self.position, found, expected });
        }
        let value = &left.value - &right.value * (&left.value / &right.value).floor();
        Ok(Quantity { value, exactness: left.exactness_with(right), ..left.clone() })
    }

    /// A logarithm; without a base that of the function's name. Whole results are exact.
    fn logarithm(&self, argument: &Quantity, base: Option<&Quantity>) -> Computed {
        let number = self.plain(argument)?;
        let base_number = match (self.name, base) {
            (_, Some(base)) => self.plain(base)?,
            ("lg" | "log10", None) => 10.0,
            ("log2", None) => 2.0,
            _ => std::f64::consts::E,
        };
        let positive =
            argument.value.is_positive() && base_number > 0.0 && (base_number - 1.0).abs() > f64::EPSILON;
        if !positive {
            return Err(self.wrong(argument, "a number above 0, and a base above 0 other than 1"));
        }
        if argument.value.is_one() {
            return Ok(argument.with_value(BigRational::zero()));
        }
        let logarithm = match (self.name, base) {
            ("lg" | "log10", None) => number.log10(),
            ("log2", None) => number.log2(),
            ("ln" | "log", None) => number.ln(),
            _ => number.ln() / base_number.ln(),
        };
        let natural = matches!(self.name, "ln") || (self.name == "log" && base.is_none());
        let whole = (logarithm.round() as i32, BigRational::from_float(base_number));
        if let (false, (whole, Some(base_value))) = (natural, whole)
            && whole.unsigned_abs() < 5000
            && Pow::pow(&base_value, whole) == argument.value
        {
            return Ok(argument.with_value(BigRational::from(BigInt::from(whole))));
        }
        self.rounded(logarithm)
    }

    /// Functions of two numbers.
    fn pair(&self, left: &Quantity, right: &Quantity) -> Computed {
        if self.name == "hypot" {
            if left.dimension != right.dimension {
                let (found, expected) = (right.dimension.to_string(), left.dimension.to_string());
                return Err(ExpressionError::Units { position: self.position, found, expected });
            }
            let sum = &left.value * &left.value + &right.value * &right.value;
            self.check_size(&sum)?;
            let squares = Quantity {
                value: sum,
                exactness: left.exactness_with(right),
                dimension: left.dimension.power(2),
                shown: None,
            };
            return self.root_of(&squares, 2);
        }
        self.rounded(self.plain(left)?.atan2(self.plain(right)?))
    }

    /// Functions whose values are hardly ever fractions; those that are for certain stay exact.
    fn transcendental(&self, argument: &Quantity) -> Computed {
        let number = self.plain(argument)?;
        let at_zero = argument.is_exact() && argument.value.is_zero();
        match (self.name, at_zero) {
            ("sin" | "tan" | "asin" | "atan" | "sinh" | "tanh" | "degrees" | "radians", true) => {
                return Ok(argument.clone());
            }
            ("cos" | "cosh" | "exp", true) => return Ok(Quantity::exact(BigRational::one())),
            _ => {}
        }
        let certain = |value: f64| (value * STEPS).round() / STEPS;
        self.rounded(match self.name {
            "sin" => certain(number.sin()),
            "cos" => certain(number.cos()),
            "tan" => certain(number.tan()),
            "asin" => number.asin(),
            "acos" => number.acos(),
            "atan" => number.atan(),
            "sinh" => number.sinh(),
            "cosh" => number.cosh(),
            "tanh" => number.tanh(),
            "exp" => number.exp(),
            "degrees" => number.to_degrees(),
            "radians" => number.to_radians(),
            _ => f64::NAN,
        })
    }

    /// A result that was computed with binary fractions.
    fn rounded(&self, value: f64) -> Computed {
        let value = BigRational::from_float(value).map(Quantity::rounded);
        value.ok_or_else(|| self.wrong(&self.arguments[0], "an argument that the function is defined for"))
    }

    /// The number of an argument that may not have a unit.
    fn plain(&self, argument: &Quantity) -> Result<f64, ExpressionError> {
        let number =
            argument.value.to_f64().filter(|number| number.is_finite() && argument.dimension.is_none());
        number.ok_or_else(|| self.wrong(argument, "a plain number that is not too large"))
    }

    /// An argument that must be a whole number.
    fn whole(&self, argument: &Quantity) -> Result<BigInt, ExpressionError> {
        let is_whole = argument.value.is_integer() && argument.is_exact() && argument.dimension.is_none();
        if is_whole { Ok(argument.value.to_integer()) } else { Err(self.wrong(argument, "a whole number")) }
    }

    fn check_size(&self, value: &BigRational) -> Result<(), ExpressionError> {
        if bits(value) > BITS { Err(ExpressionError::TooLarge { position: self.position }) } else { Ok(()) }
    }

    fn wrong(&self, argument: &Quantity, expected: &'static str) -> ExpressionError {
        ExpressionError::Argument {
            position: self.position,
            function: self.name.to_owned(),
            found: argument.to_string(),
            expected,
        }
    }
}

/// Euclid's algorithm; 0 for two zeros.
fn greatest_common_divisor(mut left: BigInt, mut right: BigInt) -> BigInt {
    while !right.is_zero() {
        (left, right) = (right.clone(), left % right);
    }
    left.abs()
}
