//! [`Quantity`]: a number, whether it is exact, and its unit.

use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Pow;

use super::printed::{number_text, rounded_text};

/// Number of bits that a rounded number keeps: those of the constants and some more.
const KEPT: i32 = 256;
/// Number of base units.
const BASES: usize = 8;
/// The base units: those of the SI, and the bit.
const NAMES: [&str; BASES] = ["m", "kg", "s", "A", "K", "mol", "cd", "bit"];

/// Exponents of the base units.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Dimension([i32; BASES]);

impl Dimension {
    /// Exponents in the order of the base units.
    pub(super) const fn new(exponents: [i32; BASES]) -> Self {
        Self(exponents)
    }

    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }

    /// The dimension of a product, or with -1 as `sign` that of a quotient.
    pub(super) fn combined(self, other: Self, sign: i32) -> Self {
        Self(std::array::from_fn(|base| self.0[base].saturating_add(other.0[base].saturating_mul(sign))))
    }

    /// The dimension of a power.
    pub(super) fn power(self, exponent: i32) -> Self {
        Self(self.0.map(|base| base.saturating_mul(exponent)))
    }

    /// The dimension of a root; `None` if an exponent would be a fraction.
    pub(super) fn root(self, degree: i32) -> Option<Self> {
        self.0.iter().all(|base| base % degree == 0).then(|| Self(self.0.map(|base| base / degree)))
    }
}

impl fmt::Display for Dimension {
    /// Writes the unit as the grammar reads it, such as `kg*m/s^2`; `1` if there is no unit.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |exponent: i32, name: &str| match exponent {
            1 => name.to_owned(),
            _ => format!("{name}^{exponent}"),
        };
        let parts = |sign: i32| {
            let of_sign = self.0.iter().zip(NAMES).filter(move |(exponent, _)| exponent.signum() == sign);
            of_sign.map(|(exponent, name)| part(exponent.abs(), name)).collect::<Vec<_>>()
        };
        let (above, below) = (parts(1), parts(-1));
        formatter.write_str(if above.is_empty() { "1" } else { "" })?;
        formatter.write_str(&above.join("*"))?;
        below.iter().try_for_each(|part| write!(formatter, "/{part}"))
    }
}

/// Whether a number is what the expression means, or the nearest that was computed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Exactness {
    Exact,
    Rounded,
}

/// The value of an expression.
///
/// Its text is the number, exact if it is exact and marked with `≈` if it is not, and the unit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quantity {
    /// In base units, or in `shown` if that is there.
    pub(super) value: BigRational,
    pub(super) exactness: Exactness,
    pub(super) dimension: Dimension,
    /// The unit that the expression asks for.
    pub(super) shown: Option<String>,
}

impl Quantity {
    /// An exact number without a unit.
    pub(super) fn exact(value: BigRational) -> Self {
        Self { value, exactness: Exactness::Exact, dimension: Dimension::default(), shown: None }
    }

    /// A rounded number without a unit.
    pub(super) fn rounded(value: BigRational) -> Self {
        Self { exactness: Exactness::Rounded, ..Self::exact(value) }
    }

    /// The same quantity with another number, no more exact than before.
    pub(super) fn with_value(&self, value: BigRational) -> Self {
        Self { value, ..self.clone() }
    }

    /// A rounded number with no more bits than it is certain of, so that long expressions stay small.
    pub(super) fn settled(self) -> Self {
        let size = |bits: u64| i32::try_from(bits).unwrap_or(i32::MAX);
        let (above, below) = (size(self.value.numer().bits()), size(self.value.denom().bits()));
        if self.is_exact() || below <= KEPT {
            return self;
        }
        let scale = Pow::pow(BigRational::from(BigInt::from(2)), KEPT.saturating_sub(above - below));
        Self { value: (&self.value * &scale).round() / scale, ..self }
    }

    /// Exact if both are.
    pub(super) fn exactness_with(&self, other: &Self) -> Exactness {
        if self.exactness == Exactness::Exact { other.exactness } else { Exactness::Rounded }
    }

    /// Returns the number, in base units of the SI unless the expression asks for another unit.
    #[must_use]
    pub fn value(&self) -> &BigRational {
        &self.value
    }

    /// Says whether the number is exact. Roots, logarithms and angles usually are not.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exactness == Exactness::Exact
    }

    /// Returns the unit; `None` for a plain number.
    #[must_use]
    pub fn unit(&self) -> Option<String> {
        match &self.shown {
            Some(unit) => Some(unit.clone()),
            None => (!self.dimension.is_none()).then(|| self.dimension.to_string()),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = if self.is_exact() { number_text(&self.value) } else { rounded_text(&self.value) };
        formatter.write_str(&number)?;
        self.unit().map_or(Ok(()), |unit| write!(formatter, " {unit}"))
    }
}
