//! Transforms of scores before they join a group, such as `100 - x` for an error rate. Upstream evaluates them as Python
//! (`transforms` in `summarizers/default.py`); here they are arithmetic only.

use std::iter::Peekable;
use std::str::Chars;

/// Maximum depth of parentheses and powers.
const MAX_DEPTH: usize = 32;

/// A formula of one score `x`, with numbers, `+ - * / **` and parentheses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Transform(Node);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Score,
    Number(f64),
    Negative(Box<Node>),
    Pair(char, Box<Node>, Box<Node>),
}

impl Transform {
    /// Parses a formula. The error says what was found.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text.chars().peekable(), depth: 0 };
        let node = parser.sum().and_then(|node| match parser.next() {
            None => Ok(node),
            Some(other) => Err(format!("found `{other}`")),
        });
        let explain =
            |found| format!("{text:?}: {found}, expected a formula of x with + - * / ** and parentheses");
        node.map(Self).map_err(explain)
    }

    /// Computes the formula for a score.
    pub(super) fn apply(&self, score: f64) -> f64 {
        value(&self.0, score)
    }
}

fn value(node: &Node, score: f64) -> f64 {
    match node {
        Node::Score => score,
        Node::Number(number) => *number,
        Node::Negative(node) => -value(node, score),
        Node::Pair(sign, left, right) => {
            let (left, right) = (value(left, score), value(right, score));
            match sign {
                '+' => left + right,
                '-' => left - right,
                '*' => left * right,
                '/' => left / right,
                _ => left.powf(right),
            }
        }
    }
}

/// A parser by recursive descent. In a [`Node::Pair`], `^` stands for `**`.
struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    depth: usize,
}

impl Parser<'_> {
    /// Skips white space and looks at the next sign.
    fn peek(&mut self) -> Option<char> {
        while self.rest.next_if(|next| next.is_whitespace()).is_some() {}
        self.rest.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        self.peek()?;
        self.rest.next()
    }

    fn sum(&mut self) -> Result<Node, String> {
        let mut left = self.product()?;
        while let Some(sign @ ('+' | '-')) = self.peek() {
            self.next();
            left = Node::Pair(sign, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Node, String> {
        let mut left = self.signed()?;
        while let Some(sign @ ('*' | '/')) = self.peek() {
            self.next();
            left = Node::Pair(sign, Box::new(left), Box::new(self.signed()?));
        }
        Ok(left)
    }

    /// A sign binds less than a power and more than a product, as in Python.
    fn signed(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("found more than {MAX_DEPTH} levels"));
        }
        let node = match self.peek() {
            Some('-') => {
                self.next();
                Node::Negative(Box::new(self.signed()?))
            }
            _ => self.power()?,
        };
        self.depth -= 1;
        Ok(node)
    }

    fn power(&mut self) -> Result<Node, String> {
        let base = self.atom()?;
        if self.peek() != Some('*') {
            return Ok(base);
        }
        let mut ahead = self.rest.clone();
        ahead.next();
        if ahead.next() != Some('*') {
            return Ok(base);
        }
        self.rest = ahead;
        Ok(Node::Pair('^', Box::new(base), Box::new(self.signed()?)))
    }

    fn atom(&mut self) -> Result<Node, String> {
        match self.next() {
            Some('x') => Ok(Node::Score),
            Some('(') => {
                let node = self.sum()?;
                match self.next() {
                    Some(')') => Ok(node),
                    other => Err(format!("found {}, expected `)`", shown(other))),
                }
            }
            Some(digit) if digit.is_ascii_digit() || digit == '.' => {
                let mut number = String::from(digit);
                while let Some(next) = self.rest.next_if(|next| next.is_ascii_digit() || *next == '.') {
                    number.push(next);
                }
                number.parse().map(Node::Number).map_err(|_| format!("found `{number}`"))
            }
            other => Err(format!("found {}", shown(other))),
        }
    }
}

fn shown(sign: Option<char>) -> String {
    sign.map_or("the end".to_owned(), |sign| format!("`{sign}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_follow_python() {
        for (text, expected) in [
            ("x", 40.0),
            ("100 - x", 60.0),
            ("100-x*2/4", 80.0),
            ("(x + 1) * 100 / 2", 2050.0),
            ("x ** 2", 1600.0),
            ("-x**2", -1600.0),
            ("2 ** -1", 0.5),
            ("2**3**0", 2.0),
            ("1.5*x", 60.0),
        ] {
            assert_eq!(Transform::parse(text).expect(text).apply(40.0), expected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "y", "x +", "(x", "x)", "1.2.3", "__import__('os')", "x x"] {
            let error = Transform::parse(text).expect_err(text);
            assert!(error.contains("expected"), "{error}");
        }
        assert!(Transform::parse(&"(".repeat(100_000)).is_err());
        assert!(Transform::parse(&"-".repeat(100_000)).is_err());
    }
}
