//! Commands with arguments: fractions, roots, functions, sums and products over a variable.

use super::atom::Functions;
use super::expr::{Constant, Expr};
use super::parser::Parser;
use super::scalar;
use super::token::Kind;

impl Parser<'_> {
    /// Parses what begins with a command.
    pub(super) fn command(&mut self) -> Option<Expr> {
        let command = self.advance()?.text.trim_start_matches('\\');
        match command {
            "frac" | "dfrac" | "tfrac" | "cfrac" => {
                let upper = self.argument()?;
                scalar::divide(upper, self.argument()?)
            }
            "sqrt" => self.root(),
            "binom" | "tbinom" | "dbinom" => {
                let upper = self.argument()?;
                Some(Expr::Call("binomial".to_owned(), vec![upper, self.argument()?]))
            }
            "boxed" => self.boxed(),
            "phantom" => self.argument(),
            "infty" => Some(Expr::Constant(Constant::Infinity)),
            "begin" => self.matrix(),
            "sum" | "prod" => self.series(command),
            "gcd" | "lcm" | "max" | "min" => self.function_of_many(command),
            "end" | "to" | "circ" | "degree" | "mod" => None,
            _ => self.function(command),
        }
    }

    /// Parses `[n]{x}` after `\sqrt`.
    fn root(&mut self) -> Option<Expr> {
        let mut exponent = scalar::divide(Expr::integer(1), Expr::integer(2))?;
        if self.eat('[') {
            let degree = self.inside(Self::additive)?;
            self.expect(']')?;
            exponent = scalar::reciprocal(degree)?;
        }
        scalar::power(self.argument()?, exponent)
    }

    /// Parses a function of one argument, with or without brackets, its base and its power.
    fn function(&mut self, command: &str) -> Option<Expr> {
        let (mut base, mut power) = (None, None);
        for _ in 0..2 {
            if base.is_none() && self.eat('_') {
                base = Some(self.script()?);
            } else if power.is_none() && self.eat('^') {
                power = Some(self.script()?);
            }
        }
        let argument = if self.eat('(') {
            let argument = self.inside(Self::additive)?;
            self.expect(')')?;
            argument
        } else {
            self.nested(|parser| parser.product(Functions::Stop))?
        };
        if !argument.is_scalar() {
            return None;
        }
        let inverse = power == Some(Expr::integer(-1)) && is_trigonometric(command);
        let call = match command {
            "log" => vec![argument, base.unwrap_or(Expr::integer(10))],
            "ln" => vec![argument, base.unwrap_or(Expr::Constant(Constant::Euler))],
            "exp" => return with_power(scalar::power(Expr::Constant(Constant::Euler), argument)?, power),
            _ => vec![argument],
        };
        let name = canonical(command);
        if inverse {
            return Some(Expr::Call(format!("a{name}"), call));
        }
        with_power(Expr::Call(name, call), power)
    }

    /// Parses a function of several arguments in brackets.
    fn function_of_many(&mut self, command: &str) -> Option<Expr> {
        if !self.at('(') {
            return None;
        }
        let arguments = match self.bracket()? {
            Expr::Tuple(arguments) => arguments,
            Expr::Interval(interval) => vec![interval.left.0, interval.right.0],
            other => vec![other],
        };
        Some(Expr::Call(command.to_owned(), arguments))
    }

    /// Parses `_{i=a}^{b} body` after `\sum` or `\prod`.
    fn series(&mut self, command: &str) -> Option<Expr> {
        let (mut from, mut to) = (None, None);
        for _ in 0..2 {
            if from.is_none() && self.eat('_') {
                self.expect('{')?;
                let variable = self.variable()?;
                self.expect('=')?;
                let start = self.inside(Self::additive)?;
                self.expect('}')?;
                from = Some((variable, start));
            } else if to.is_none() && self.eat('^') {
                to = Some(self.script()?);
            }
        }
        let (variable, start) = from?;
        let body = self.nested(|parser| parser.product(Functions::Allowed))?;
        Some(Expr::Call(command.to_owned(), vec![body, Expr::Symbol(variable), start, to?]))
    }

    /// Reads the variable of a sum.
    fn variable(&mut self) -> Option<String> {
        let token = self.advance()?;
        matches!(token.kind, Kind::Letter).then(|| token.text.to_lowercase())
    }
}

fn with_power(value: Expr, power: Option<Expr>) -> Option<Expr> {
    match power {
        Some(power) => scalar::power(value, power),
        None => Some(value),
    }
}

fn is_trigonometric(command: &str) -> bool {
    matches!(command, "sin" | "cos" | "tan" | "csc" | "sec" | "cot" | "sinh" | "cosh" | "tanh")
}

/// One name for each function: `\arcsin` is `asin`, `\arsinh` and `\arcsinh` are `asinh`.
fn canonical(command: &str) -> String {
    match command {
        "ln" => "log".to_owned(),
        "ceil" => "ceiling".to_owned(),
        "arsinh" | "arcosh" | "artanh" => format!("a{}", &command[2..]),
        _ if command.starts_with("arc") => format!("a{}", &command[3..]),
        other => other.to_owned(),
    }
}
