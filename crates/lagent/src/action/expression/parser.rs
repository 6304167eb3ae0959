//! Reads an expression and computes while it reads.

use num_bigint::{BigInt, BigUint};
use num_rational::BigRational;
use num_traits::{Pow, Zero};

use super::error::ExpressionError;
use super::functions::{FunctionCall, is_function};
use super::limits::{BITS, DEPTH, bits};
use super::quantity::{Dimension, Quantity};
use super::roots::raise;
use super::{constants, units};

type Computed = Result<Quantity, ExpressionError>;

/// A recursive-descent parser that computes while it parses.
pub(super) struct Parser {
    characters: Vec<char>,
    next: usize,
    depth: usize,
    commas: Commas,
}

/// What a comma between digits means.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Commas {
    /// It separates groups of three.
    Group,
    /// It separates the arguments of a function.
    Separate,
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
    pub(super) fn new(characters: Vec<char>) -> Self {
        Self { characters, next: 0, depth: 0, commas: Commas::Group }
    }

    /// Parses the whole text: a sum, and perhaps the unit to show it in.
    pub(super) fn quantity(&mut self) -> Computed {
        let mut value = self.sum()?;
        if let Some(position) = self.conversion() {
            value = self.converted(value, position)?;
        }
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(self.unexpected("an operator or the end")),
        }
    }

    /// Takes the word that asks for a unit and returns its position.
    fn conversion(&mut self) -> Option<usize> {
        let word = self.word()?;
        let is_conversion = matches!(word.as_str(), "to" | "in" | "as");
        is_conversion.then(|| {
            let position = self.next + 1;
            self.next += word.chars().count();
            position
        })
    }

    /// Parses a unit and expresses a value in it.
    fn converted(&mut self, value: Quantity, position: usize) -> Computed {
        self.peek();
        let start = self.next;
        let unit = self.product()?;
        let text: String = self.characters[start..self.next].iter().collect();
        if unit.dimension != value.dimension {
            let (found, expected) = (unit.dimension.to_string(), value.dimension.to_string());
            return Err(ExpressionError::Units { position, found, expected });
        }
        if unit.value.is_zero() {
            return Err(ExpressionError::DivisionByZero { position });
        }
        Ok(Quantity {
            value: &value.value / &unit.value,
            exactness: value.exactness_with(&unit),
            dimension: Dimension::default(),
            shown: Some(text.trim().to_owned()),
        })
    }

    fn sum(&mut self) -> Computed {
        self.chain(Self::product, |parser| match parser.peek()? {
            '+' => Some((Operator::Add, 1)),
            '-' | '−' => Some((Operator::Subtract, 1)),
            _ => None,
        })
    }

    fn product(&mut self) -> Computed {
        self.chain(Self::signed, |parser| match (parser.peek()?, parser.characters.get(parser.next + 1)) {
            ('*', Some('*')) => None,
            ('/', Some('/')) => Some((Operator::FloorDivide, 2)),
            ('*' | '×' | '·', _) => Some((Operator::Multiply, 1)),
            // A letter behind it would make it the beginning of a name.
            ('x' | 'X', next) if !next.is_some_and(|next| next.is_alphabetic()) => {
                Some((Operator::Multiply, 1))
            }
            ('/' | '÷', _) => Some((Operator::Divide, 1)),
            ('%', _) => Some((Operator::Remainder, 1)),
            _ => None,
        })
    }

    /// Parses operands joined by operators of one precedence level, from left to right.
    fn chain(
        &mut self,
        operand: fn(&mut Self) -> Computed,
        operator: fn(&mut Self) -> Option<(Operator, usize)>,
    ) -> Computed {
        let mut value = operand(self)?;
        while let Some((operator, length)) = operator(self) {
            let position = self.next + 1;
            self.next += length;
            let right = operand(self)?;
            value = apply(operator, &value, &right, position)?;
        }
        Ok(value)
    }

    fn signed(&mut self) -> Computed {
        self.nested(|parser| match parser.peek() {
            Some('-' | '−') => {
                parser.next += 1;
                let value = parser.signed()?;
                Ok(value.with_value(-&value.value))
            }
            Some('+') => {
                parser.next += 1;
                parser.signed()
            }
            _ => parser.power(),
        })
    }

    fn power(&mut self) -> Computed {
        let mut base = self.atom()?;
        while self.peek() == Some('!') {
            let position = self.next + 1;
            self.next += 1;
            base = FunctionCall { name: "factorial", arguments: &[base], position }.value()?;
        }
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

    fn atom(&mut self) -> Computed {
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
            Some(character) if character.is_ascii_digit() || character == '.' => {
                let number = Quantity::exact(self.number()?);
                self.with_unit(number)
            }
            Some(character) if character.is_alphabetic() || character == '°' => self.name(),
            _ => Err(self.unexpected("a number or `(`")),
        }
    }

    /// Multiplies a number by the unit that follows it, which binds tighter than a division: `6 km / 2 h` is 3 km/h.
    fn with_unit(&mut self, number: Quantity) -> Computed {
        let unit = match self.word() {
            // A conversion, unless it can only be inches.
            Some(word) if word == "in" && self.unit_follows(&word) => None,
            Some(word) => units::find(&word).map(|unit| (word, unit)),
            None => None,
        };
        let Some((word, mut unit)) = unit else { return Ok(number) };
        self.next += word.chars().count();
        if self.peek() == Some('^') {
            let position = self.next + 1;
            self.next += 1;
            let exponent = self.signed()?;
            unit = raise(&unit, &exponent, position)?;
        }
        apply(Operator::Multiply, &number, &unit, self.next)
    }

    /// Whether a word is followed by another one.
    fn unit_follows(&mut self, word: &str) -> bool {
        let before = self.next;
        self.next += word.chars().count();
        let follows = self.word().is_some_and(|next| !matches!(next.as_str(), "to" | "in" | "as" | "x"));
        self.next = before;
        follows
    }

    /// Parses a constant, a unit or the call of a function.
    fn name(&mut self) -> Computed {
        let position = self.next + 1;
        let Some(name) = self.word() else { return Err(self.unexpected("a number or `(`")) };
        self.next += name.chars().count();
        if is_function(&name) && self.peek() == Some('(') {
            let arguments = self.nested(Self::arguments)?;
            let value = FunctionCall { name: &name, arguments: &arguments, position }.value()?;
            return if bits(&value.value) > BITS {
                Err(ExpressionError::TooLarge { position })
            } else {
                Ok(value)
            };
        }
        match name.as_str() {
            "pi" | "π" => Ok(Quantity::rounded(constants::pi())),
            "e" => Ok(Quantity::rounded(constants::e())),
            _ => units::find(&name).ok_or(ExpressionError::UnknownName { position, name }),
        }
    }

    /// Parses the arguments of a function with their parentheses.
    fn arguments(&mut self) -> Result<Vec<Quantity>, ExpressionError> {
        let outside = std::mem::replace(&mut self.commas, Commas::Separate);
        let mut arguments = Vec::new();
        loop {
            // The parenthesis or the comma.
            self.next += 1;
            arguments.push(self.sum()?);
            match self.peek() {
                Some(',') => {}
                Some(')') => break,
                _ => return Err(self.unexpected("an operator, `,` or `)`")),
            }
        }
        self.next += 1;
        self.commas = outside;
        Ok(arguments)
    }

    /// The word that comes next, which is not taken: letters, and digits behind them.
    fn word(&mut self) -> Option<String> {
        self.peek();
        let rest = self.characters.get(self.next..)?;
        let is_first = rest.first().is_some_and(|first| first.is_alphabetic() || *first == '°');
        let is_part = |character: &&char| character.is_alphanumeric() || matches!(character, '_' | '°');
        is_first.then(|| rest.iter().take_while(is_part).collect())
    }

    /// Parses digits with an optional decimal point and exponent. Commas are accepted only between groups of three.
    fn number(&mut self) -> Result<BigRational, ExpressionError> {
        let mut whole = self.digits();
        while self.commas == Commas::Group
            && self.characters.get(self.next) == Some(&',')
            && self.three_digits_follow()
        {
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
        let is_word = self.characters.get(self.next + 1).is_some_and(|next| next.is_alphabetic());
        if matches!(self.characters.get(self.next), Some('e' | 'E')) && !is_word {
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
        let scaled = if negative { value / power } else { value * power };
        if bits(&scaled) > BITS { Err(ExpressionError::TooLarge { position }) } else { Ok(scaled) }
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

    fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
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

fn apply(operator: Operator, left: &Quantity, right: &Quantity, position: usize) -> Computed {
    let (one, other) = (&left.value, &right.value);
    let same_unit = !matches!(operator, Operator::Multiply | Operator::Divide);
    if same_unit && left.dimension != right.dimension {
        let (found, expected) = (right.dimension.to_string(), left.dimension.to_string());
        return Err(ExpressionError::Units { position, found, expected });
    }
    let divides = matches!(operator, Operator::Divide | Operator::FloorDivide | Operator::Remainder);
    if divides && other.is_zero() {
        return Err(ExpressionError::DivisionByZero { position });
    }
    let (value, dimension) = match operator {
        Operator::Add => (one + other, left.dimension),
        Operator::Subtract => (one - other, left.dimension),
        Operator::Multiply => (one * other, left.dimension.combined(right.dimension, 1)),
        Operator::Divide => (one / other, left.dimension.combined(right.dimension, -1)),
        Operator::FloorDivide => ((one / other).floor(), Dimension::default()),
        // The result has the sign of the right operand, as in Python.
        Operator::Remainder => (one - other * (one / other).floor(), left.dimension),
    };
    let result = Quantity { value, exactness: left.exactness_with(right), dimension, shown: None }.settled();
    if bits(&result.value) > BITS { Err(ExpressionError::TooLarge { position }) } else { Ok(result) }
}
