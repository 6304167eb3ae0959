//! Complex numbers with the principal values of the elementary functions.

use std::ops::{Add, Mul, Neg, Sub};

/// A complex number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    pub(super) const ONE: Self = Self::real(1.0);
    pub(super) const I: Self = Self { re: 0.0, im: 1.0 };

    /// Creates a real number.
    pub(super) const fn real(re: f64) -> Self {
        Self { re, im: 0.0 }
    }

    pub(super) fn is_finite(self) -> bool {
        self.re.is_finite() && self.im.is_finite()
    }

    /// Returns the absolute value.
    pub(super) fn norm(self) -> f64 {
        self.re.hypot(self.im)
    }

    pub(super) fn scaled(self, factor: f64) -> Self {
        Self { re: self.re * factor, im: self.im * factor }
    }

    pub(super) fn reciprocal(self) -> Self {
        let square = self.re * self.re + self.im * self.im;
        Self { re: self.re / square, im: -self.im / square }
    }

    pub(super) fn exp(self) -> Self {
        let size = self.re.exp();
        if self.im == 0.0 {
            return Self::real(size);
        }
        Self { re: size * self.im.cos(), im: size * self.im.sin() }
    }

    pub(super) fn ln(self) -> Self {
        Self { re: self.norm().ln(), im: self.im.atan2(self.re) }
    }

    pub(super) fn sqrt(self) -> Self {
        if self.im == 0.0 {
            let root = self.re.abs().sqrt();
            return if self.re >= 0.0 { Self::real(root) } else { Self { re: 0.0, im: root } };
        }
        self.ln().scaled(0.5).exp()
    }

    /// Raises to a power. Whole exponents are multiplied out, so that real numbers stay real.
    pub(super) fn pow(self, exponent: Self) -> Self {
        let whole = exponent.im == 0.0 && exponent.re.fract() == 0.0 && exponent.re.abs() <= 1024.0;
        if whole {
            let power = self.whole_power(exponent.re.abs() as u32);
            return if exponent.re < 0.0 { power.reciprocal() } else { power };
        }
        if self == Self::real(0.0) {
            let vanishes = exponent.re > 0.0;
            return Self::real(if vanishes { 0.0 } else { f64::NAN });
        }
        if exponent == Self::real(0.5) {
            return self.sqrt();
        }
        if self.im == 0.0 && self.re > 0.0 && exponent.im == 0.0 {
            return Self::real(self.re.powf(exponent.re));
        }
        (self.ln() * exponent).exp()
    }

    fn whole_power(self, exponent: u32) -> Self {
        let (mut result, mut base, mut left) = (Self::ONE, self, exponent);
        while left > 0 {
            if left % 2 == 1 {
                result = result * base;
            }
            base = base * base;
            left /= 2;
        }
        result
    }

    pub(super) fn sin(self) -> Self {
        if self.im == 0.0 {
            return Self::real(self.re.sin());
        }
        Self { re: self.re.sin() * self.im.cosh(), im: self.re.cos() * self.im.sinh() }
    }

    pub(super) fn cos(self) -> Self {
        if self.im == 0.0 {
            return Self::real(self.re.cos());
        }
        Self { re: self.re.cos() * self.im.cosh(), im: -(self.re.sin() * self.im.sinh()) }
    }

    pub(super) fn sinh(self) -> Self {
        // sinh z = -i sin(iz)
        -(Self::I * (Self::I * self).sin())
    }

    pub(super) fn cosh(self) -> Self {
        (Self::I * self).cos()
    }

    pub(super) fn asin(self) -> Self {
        if self.im == 0.0 && self.re.abs() <= 1.0 {
            return Self::real(self.re.asin());
        }
        // asin z = -i ln(iz + sqrt(1 - z^2))
        -(Self::I * (Self::I * self + (Self::ONE - self * self).sqrt()).ln())
    }

    pub(super) fn acos(self) -> Self {
        Self::real(std::f64::consts::FRAC_PI_2) - self.asin()
    }

    pub(super) fn atan(self) -> Self {
        if self.im == 0.0 {
            return Self::real(self.re.atan());
        }
        // atan z = i/2 (ln(1 - iz) - ln(1 + iz))
        let turned = Self::I * self;
        (Self::I * ((Self::ONE - turned).ln() - (Self::ONE + turned).ln())).scaled(0.5)
    }

    pub(super) fn asinh(self) -> Self {
        (self + (self * self + Self::ONE).sqrt()).ln()
    }

    pub(super) fn acosh(self) -> Self {
        (self + (self + Self::ONE).sqrt() * (self - Self::ONE).sqrt()).ln()
    }

    pub(super) fn atanh(self) -> Self {
        ((Self::ONE + self).ln() - (Self::ONE - self).ln()).scaled(0.5)
    }
}

impl Add for Complex {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }
}

impl Sub for Complex {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { re: self.re - other.re, im: self.im - other.im }
    }
}

impl Neg for Complex {
    type Output = Self;

    fn neg(self) -> Self {
        Self { re: -self.re, im: -self.im }
    }
}

impl Mul for Complex {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        if self.im == 0.0 && other.im == 0.0 {
            return Self::real(self.re * other.re);
        }
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }
}
