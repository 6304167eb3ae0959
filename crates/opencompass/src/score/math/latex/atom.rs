//! Sums, products, powers, and the atoms that they are made of.

use super::expr::{Constant, Expr, NamedSet};
use super::number::{number, scientific};
use super::parser::Parser;
use super::scalar;
use super::token::{Kind, Token};

/// The maximum number of powers and factorials of one expression.
const MAX_POSTFIXES: usize = 16;

/// Whether a product may contain functions. The argument of a function without brackets ends at the next one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Functions {
    Allowed,
    Stop,
}

impl Parser<'_> {
    /// Parses terms with plus and minus between them.
    pub(super) fn additive(&mut self) -> Option<Expr> {
        let mut sum = self.product(Functions::Allowed)?;
        loop {
            if self.eat('+') {
                sum = scalar::add(sum, self.product(Functions::Allowed)?)?;
            } else if self.eat('-') {
                sum = scalar::add(sum, scalar::negate(self.product(Functions::Allowed)?)?)?;
            } else {
                return Some(sum);
            }
        }
    }

    /// Parses factors with signs between them.
    pub(super) fn product(&mut self, functions: Functions) -> Option<Expr> {
        let mut product = self.signed(functions)?;
        loop {
            if self.eat('*') {
                product = scalar::multiply(product, self.signed(functions)?)?;
            } else if self.eat('/') || self.eat(':') {
                product = scalar::divide(product, self.signed(functions)?)?;
            } else if self.at_command("\\mod") {
                self.advance();
                product = Expr::Call("mod".to_owned(), vec![product, self.signed(functions)?]);
            } else {
                return Some(product);
            }
        }
    }

    /// Parses a factor with its signs, or neighbors without a sign between them.
    fn signed(&mut self, functions: Functions) -> Option<Expr> {
        if self.eat('+') {
            return self.nested(|parser| parser.signed(functions));
        }
        if self.eat('-') {
            return self.nested(|parser| parser.signed(functions)).and_then(scalar::negate);
        }
        let mut factors = vec![self.postfix()?];
        while self.starts_factor(functions) {
            factors.push(self.postfix()?);
        }
        let mut product = factors.pop()?;
        while let Some(left) = factors.pop() {
            product = scalar::adjacent(left, product)?;
        }
        Some(product)
    }

    /// Says whether the next token begins a factor.
    fn starts_factor(&self, functions: Functions) -> bool {
        let Some(token) = self.peek() else { return false };
        match token.kind {
            Kind::Sign('(' | '[' | '{' | '⦃' | '⌊' | '⌈') => true,
            Kind::Sign('|') => self.bars == 0,
            Kind::Sign(_) => false,
            Kind::Command => {
                let ends = matches!(token.text, "\\end" | "\\to" | "\\circ" | "\\degree" | "\\mod");
                let plain = matches!(
                    token.text,
                    "\\frac"
                        | "\\dfrac"
                        | "\\tfrac"
                        | "\\cfrac"
                        | "\\infty"
                        | "\\begin"
                        | "\\boxed"
                        | "\\phantom"
                );
                !ends && (plain || functions == Functions::Allowed)
            }
            _ => true,
        }
    }

    fn postfix(&mut self) -> Option<Expr> {
        let primary = self.nested(Self::primary)?;
        self.postfixes(primary)
    }

    /// Applies the powers, factorials and degree signs after an expression. Degrees do not change a value.
    pub(super) fn postfixes(&mut self, mut value: Expr) -> Option<Expr> {
        for _ in 0..MAX_POSTFIXES {
            if self.eat('!') {
                value = Expr::Call("factorial".to_owned(), vec![value]);
            } else if self.eat('^') {
                let mark = self.mark();
                if self.eat_degree() {
                    continue;
                }
                self.reset(mark);
                let exponent = self.script()?;
                value = match (value, exponent) {
                    (Expr::Matrix(rows), Expr::Symbol(name)) if name == "t" => transposed(&rows),
                    (value, exponent) => scalar::power(value, exponent)?,
                };
                if self.eat('_') {
                    self.subscript()?;
                }
            } else {
                return Some(value);
            }
        }
        None
    }

    /// Moves behind a degree sign in a superscript.
    fn eat_degree(&mut self) -> bool {
        let braced = self.eat('{');
        let found = match self.advance() {
            Some(token) => token.kind == Kind::Sign('°') || matches!(token.text, "\\circ" | "\\degree"),
            None => false,
        };
        found && (!braced || self.eat('}'))
    }

    /// Parses a superscript, or the base of a logarithm: an atom or `{expression}`. Euler's number needs the braces.
    pub(super) fn script(&mut self) -> Option<Expr> {
        match self.peek()?.kind {
            Kind::Sign('{') => self.argument(),
            Kind::LowerE => None,
            _ => self.atom(),
        }
    }

    /// Reads a subscript: its text without white space.
    fn subscript(&mut self) -> Option<String> {
        let from = self.mark();
        if !self.eat('{') {
            self.advance()?;
            return Some(format!("_{}", self.spelling(from)));
        }
        let mut open = 1_usize;
        while open > 0 {
            match self.advance()?.kind {
                Kind::Sign('{') => open += 1,
                Kind::Sign('}') => open -= 1,
                _ => {}
            }
        }
        let text = self.spelling(from);
        let inner = &text[1..text.len() - 1];
        Some(if inner.chars().count() > 1 { format!("_{text}") } else { format!("_{inner}") })
    }

    fn primary(&mut self) -> Option<Expr> {
        match self.peek()?.kind {
            Kind::Sign('(' | '[') => self.bracket(),
            Kind::Sign('{' | '⦃') => self.brace(),
            Kind::Sign('|') => self.absolute(),
            Kind::Sign('⌊') => self.rounded("floor", '⌋'),
            Kind::Sign('⌈') => self.rounded("ceiling", '⌉'),
            Kind::Sign(sign) => {
                self.advance();
                named_set(sign).map(Expr::NamedSet)
            }
            Kind::Command => self.command(),
            _ => self.atom(),
        }
    }

    fn absolute(&mut self) -> Option<Expr> {
        self.expect('|')?;
        self.bars += 1;
        let inner = self.additive();
        self.bars -= 1;
        self.expect('|')?;
        inner.filter(Expr::is_scalar).map(|inner| Expr::Call("abs".to_owned(), vec![inner]))
    }

    fn rounded(&mut self, function: &str, close: char) -> Option<Expr> {
        self.advance()?;
        let inner = self.inside(Self::additive)?;
        self.expect(close)?;
        inner.is_scalar().then(|| Expr::Call(function.to_owned(), vec![inner]))
    }

    /// Parses a number, a variable, or a function that is named by a variable.
    fn atom(&mut self) -> Option<Expr> {
        let token = self.advance()?;
        match token.kind {
            Kind::Number => {
                let number = number(token.text)?;
                if self.eat('_') {
                    // The base of a number is ignored, as in upstream.
                    self.subscript()?;
                }
                Some(number)
            }
            Kind::Percent => {
                let digits = token.text.trim_end_matches(['%', '\\', ' ', '\t', '\r', '\n']);
                Some(Expr::Percent(Box::new(number(digits)?)))
            }
            Kind::Scientific => scientific(token.text),
            Kind::LowerE => Some(Expr::Constant(Constant::Euler)),
            Kind::UpperE => Some(Expr::Symbol("e".to_owned())),
            Kind::Differential => Some(Expr::Symbol(token.text.replace([' ', '\t', '\r', '\n', '\\'], ""))),
            Kind::Command if token.text == "\\infty" => Some(Expr::Constant(Constant::Infinity)),
            Kind::Letter | Kind::Greek | Kind::Other | Kind::Accent => self.name(token),
            Kind::Command | Kind::Sign(_) => None,
        }
    }

    fn name(&mut self, token: Token<'_>) -> Option<Expr> {
        let mut name = spelled(token);
        let subscript = if self.eat('_') { self.subscript()? } else { String::new() };
        if subscript.is_empty() {
            match name.as_str() {
                "I" if token.kind == Kind::Letter => return Some(Expr::Constant(Constant::ImaginaryUnit)),
                "pi" => return Some(Expr::Constant(Constant::Pi)),
                "gamma" | "Gamma" if !self.at('(') => return Some(Expr::Constant(Constant::EulerGamma)),
                _ => {}
            }
        }
        name.push_str(&subscript);
        let name = name.to_lowercase();
        if !self.at('(') {
            return Some(Expr::Symbol(name));
        }
        match self.bracket()? {
            Expr::Tuple(arguments) => Some(Expr::Call(name, arguments)),
            Expr::Interval(interval) => Some(Expr::Call(name, vec![interval.left.0, interval.right.0])),
            argument if is_atom(&argument) => Some(Expr::Call(name, vec![argument])),
            factor => {
                let factor = self.postfixes(factor)?;
                scalar::multiply(Expr::Symbol(name), factor)
            }
        }
    }
}

/// Says whether the argument of a variable makes it a function: `f(x)` is one, `x(y+1)` is a product.
fn is_atom(argument: &Expr) -> bool {
    match argument {
        Expr::Pow(base, _) => matches!(**base, Expr::Symbol(_)),
        other => matches!(
            other,
            Expr::Number(_) | Expr::Decimal(_) | Expr::Percent(_) | Expr::Symbol(_) | Expr::Constant(_)
        ),
    }
}

fn transposed(rows: &[Vec<Expr>]) -> Expr {
    let columns = rows.first().map_or(0, Vec::len);
    let column = |index: usize| rows.iter().filter_map(|row| row.get(index).cloned()).collect();
    Expr::Matrix((0..columns).map(column).collect())
}

fn named_set(sign: char) -> Option<NamedSet> {
    Some(match sign {
        '∅' => NamedSet::Empty,
        'ℕ' => NamedSet::Naturals,
        'ℤ' => NamedSet::Integers,
        'ℚ' => NamedSet::Rationals,
        'ℝ' => NamedSet::Reals,
        'ℂ' => NamedSet::Complexes,
        'ℙ' => NamedSet::Primes,
        _ => return None,
    })
}

/// The name of a variable: text loses its command, its spaces and its brackets.
fn spelled(token: Token<'_>) -> String {
    const LETTERS: &[(char, &str)] = &[
        ('α', "alpha"),
        ('β', "beta"),
        ('γ', "gamma"),
        ('δ', "delta"),
        ('ε', "epsilon"),
        ('θ', "theta"),
        ('λ', "lambda"),
        ('μ', "mu"),
        ('π', "pi"),
        ('ρ', "rho"),
        ('σ', "sigma"),
        ('τ', "tau"),
        ('φ', "phi"),
        ('ω', "omega"),
        ('Δ', "delta"),
        ('Ω', "omega"),
    ];
    let text = token.text;
    if token.kind == Kind::Accent {
        let open = text.find('{').unwrap_or_default();
        let command = text[..open].trim_end().trim_start_matches('\\');
        let inner = text[open..].trim_start_matches('{').trim_end_matches('}').replace(' ', "");
        let decoration = match command {
            "bar" | "overline" => "bar",
            "vec" | "overrightarrow" => "vec",
            "tilde" | "widetilde" => "tilde",
            _ if command.contains("text") || command == "mbox" => return inner.replace(['(', ')'], ""),
            _ if command.contains("math") => "math",
            other => other,
        };
        return format!("{decoration}{{{inner}}}");
    }
    let letter = LETTERS.iter().find(|(letter, _)| text.starts_with(*letter));
    letter.map_or(text.trim_start_matches('\\'), |(_, name)| name).to_owned()
}
