//! Values of formulas whose variables are replaced by chosen real numbers. Two formulas that agree in all chosen
//! points are the same function, except by a coincidence that the choice of the points makes impossible in practice.

use std::cell::Cell;
use std::f64::consts::{E, PI};

use num_traits::ToPrimitive;

use super::complex::Complex;
use crate::score::math::latex::{Constant, Expr};

/// The maximum number of steps for one comparison; sums over a variable could take forever.
const MAX_STEPS: u32 = 50_000;

/// The maximum number of terms of a sum over a variable.
const MAX_TERMS: f64 = 1000.0;

/// The number of points at which formulas are compared.
const POINTS: u32 = 6;

const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// Points at which formulas with these variables are compared.
pub(in crate::score::math) struct Samples<'a> {
    names: Vec<&'a str>,
    steps: Cell<u32>,
}

impl<'a> Samples<'a> {
    /// Chooses points for the variables of both formulas.
    pub(in crate::score::math) fn new(left: &'a Expr, right: &'a Expr) -> Self {
        let mut names = Vec::new();
        left.symbols(&mut names);
        right.symbols(&mut names);
        names.sort_unstable();
        Self { names, steps: Cell::new(MAX_STEPS) }
    }

    /// Says whether there are variables.
    pub(in crate::score::math) fn has_variables(&self) -> bool {
        !self.names.is_empty()
    }

    /// Says whether both formulas have the same values at the points at which both have one.
    pub(in crate::score::math) fn agree(&self, left: &Expr, right: &Expr) -> bool {
        let mut agreed = 0;
        for (a, b) in self.pairs(left, right) {
            if !near(a, b) {
                return false;
            }
            agreed += 1;
        }
        agreed > 0
    }

    /// Returns the factor between both formulas if it is the same real number at all points, and not zero.
    pub(in crate::score::math) fn factor(&self, left: &Expr, right: &Expr) -> Option<f64> {
        let mut factor: Option<Complex> = None;
        for (a, b) in self.pairs(left, right) {
            if a.norm() < 1e-9 || b.norm() < 1e-9 {
                // At a common zero the factor is not known, at a zero of one alone it cannot be constant.
                if near(a, b) {
                    continue;
                }
                return None;
            }
            let quotient = a * b.reciprocal();
            if factor.is_some_and(|factor| !near(factor, quotient)) {
                return None;
            }
            factor = Some(quotient);
        }
        factor.filter(|factor| factor.im.abs() < 1e-9).map(|factor| factor.re)
    }

    /// The values of both formulas at the points at which both are defined. Without variables there is one point.
    fn pairs(&self, left: &Expr, right: &Expr) -> Vec<(Complex, Complex)> {
        let points = if self.has_variables() { POINTS } else { 1 };
        let pair = |point: u32| {
            let scope: Vec<(&str, Complex)> =
                self.names.iter().zip(0..).map(|(name, index)| (*name, chosen(index, point))).collect();
            let evaluator = Evaluator { steps: &self.steps };
            let both = (evaluator.value(left, &scope)?, evaluator.value(right, &scope)?);
            (both.0.is_finite() && both.1.is_finite()).then_some(both)
        };
        (0..points).filter_map(pair).collect()
    }
}

/// Computes the real value of a formula without variables.
pub(in crate::score::math) fn real(expr: &Expr) -> Option<f64> {
    let steps = Cell::new(MAX_STEPS);
    let value = Evaluator { steps: &steps }.value(expr, &[])?;
    let is_real = value.im.abs() <= 1e-12 * value.norm().max(1.0);
    (is_real && !value.re.is_nan()).then_some(value.re)
}

/// The value of a variable at a point: positive at half of the points, of both signs at the others.
fn chosen(index: u32, point: u32) -> Complex {
    let turn = f64::from(index * 7 + point * 3 + 1) * 0.618_033_988_749_894_9;
    let size = 0.35 + 2.3 * turn.fract();
    let negative = point >= POINTS / 2 && (index + point).is_multiple_of(2);
    Complex::real(if negative { -size } else { size })
}

/// Equality up to the rounding of machine numbers.
fn near(left: Complex, right: Complex) -> bool {
    (left - right).norm() <= 1e-10 * left.norm().max(right.norm()) + 1e-12
}

struct Evaluator<'a> {
    steps: &'a Cell<u32>,
}

/// The variables and their values.
type Scope<'a> = [(&'a str, Complex)];

impl Evaluator<'_> {
    fn value(&self, expr: &Expr, scope: &Scope<'_>) -> Option<Complex> {
        self.steps.set(self.steps.get().checked_sub(1)?);
        match expr {
            Expr::Number(value) | Expr::Decimal(value) => value.to_f64().map(Complex::real),
            Expr::Percent(inner) => Some(self.value(inner, scope)?.scaled(0.01)),
            Expr::Symbol(name) => {
                scope.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
            }
            Expr::Constant(constant) => Some(match constant {
                Constant::Pi => Complex::real(PI),
                Constant::Euler => Complex::real(E),
                Constant::EulerGamma => Complex::real(EULER_GAMMA),
                Constant::ImaginaryUnit => Complex::I,
                Constant::Infinity => Complex::real(f64::INFINITY),
                Constant::MinusInfinity => Complex::real(f64::NEG_INFINITY),
            }),
            Expr::Add(terms) => {
                terms.iter().try_fold(Complex::real(0.0), |sum, term| Some(sum + self.value(term, scope)?))
            }
            Expr::Mul(factors) => factors
                .iter()
                .try_fold(Complex::ONE, |product, factor| Some(product * self.value(factor, scope)?)),
            Expr::Pow(base, exponent) => Some(self.value(base, scope)?.pow(self.value(exponent, scope)?)),
            Expr::Call(name, arguments) if matches!(name.as_str(), "sum" | "prod") => {
                self.series(name, arguments, scope)
            }
            Expr::Call(name, arguments) => {
                let values = arguments.iter().map(|argument| self.value(argument, scope));
                call(name, &values.collect::<Option<Vec<_>>>()?)
            }
            _ => None,
        }
    }

    /// Computes a sum or a product over a variable from `from` to `to`.
    fn series(&self, name: &str, arguments: &[Expr], scope: &Scope<'_>) -> Option<Complex> {
        let [body, Expr::Symbol(variable), from, to] = arguments else { return None };
        let (from, to) = (self.value(from, scope)?.re, self.value(to, scope)?.re);
        let whole = from.fract() == 0.0 && to.fract() == 0.0 && to - from <= MAX_TERMS;
        if !whole {
            return None;
        }
        let mut inner: Vec<(&str, Complex)> = scope.to_vec();
        let mut result = Complex::real(if name == "sum" { 0.0 } else { 1.0 });
        let mut index = from;
        while index <= to {
            inner.push((variable.as_str(), Complex::real(index)));
            let term = self.value(body, &inner)?;
            inner.pop();
            result = if name == "sum" { result + term } else { result * term };
            index += 1.0;
        }
        Some(result)
    }
}

fn call(name: &str, values: &[Complex]) -> Option<Complex> {
    match values {
        [value] => Some(of_one(name, *value).unwrap_or_else(|| unknown(name, values))),
        [value, base] if name == "log" => Some(value.ln() * base.ln().reciprocal()),
        [value, modulus] if name == "mod" => {
            Some(Complex::real(value.re - modulus.re * (value.re / modulus.re).floor()))
        }
        [upper, lower] if name == "binomial" => {
            let below = factorial(lower.re)? * factorial(upper.re - lower.re)?;
            Some(Complex::real(factorial(upper.re)? / below))
        }
        _ if name == "max" => {
            Some(Complex::real(values.iter().map(|value| value.re).fold(f64::NEG_INFINITY, f64::max)))
        }
        _ if name == "min" => {
            Some(Complex::real(values.iter().map(|value| value.re).fold(f64::INFINITY, f64::min)))
        }
        _ => Some(unknown(name, values)),
    }
}

/// Computes a function of one argument; `None` if it is not a known one.
fn of_one(name: &str, value: Complex) -> Option<Complex> {
    Some(match name {
        "abs" => Complex::real(value.norm()),
        "floor" => Complex::real((value.re + 1e-12).floor()),
        "ceiling" => Complex::real((value.re - 1e-12).ceil()),
        "factorial" => Complex::real(factorial(value.re)?),
        "sin" => value.sin(),
        "cos" => value.cos(),
        "tan" => value.sin() * value.cos().reciprocal(),
        "cot" => value.cos() * value.sin().reciprocal(),
        "sec" => value.cos().reciprocal(),
        "csc" => value.sin().reciprocal(),
        "asin" => value.asin(),
        "acos" => value.acos(),
        "atan" => value.atan(),
        "acot" => value.reciprocal().atan(),
        "asec" => value.reciprocal().acos(),
        "acsc" => value.reciprocal().asin(),
        "sinh" => value.sinh(),
        "cosh" => value.cosh(),
        "tanh" => value.sinh() * value.cosh().reciprocal(),
        "asinh" => value.asinh(),
        "acosh" => value.acosh(),
        "atanh" => value.atanh(),
        _ => return None,
    })
}

/// The factorial of a whole number.
fn factorial(value: f64) -> Option<f64> {
    let whole = value.fract() == 0.0 && (0.0..=170.0).contains(&value);
    whole.then(|| (2..=value as u32).map(f64::from).product())
}

/// A stand-in for a function that only has a name: smooth, and different for different names and arguments.
fn unknown(name: &str, values: &[Complex]) -> Complex {
    let seed = name.bytes().fold(7_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let mut result = Complex::real(f64::from(seed % 1009) / 1009.0 + 0.5);
    for (value, weight) in values.iter().zip(1_u32..) {
        let weight = f64::from(weight) + f64::from(seed % 97) / 97.0;
        result = result + value.scaled(weight) + (value.scaled(0.37 * weight)).sin();
    }
    result
}
