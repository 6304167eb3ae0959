//! Lists, relations, sets, intervals and tuples.

use super::expr::{End, Expr, Interval, NamedSet, Sign};
use super::parser::Parser;
use super::scalar;
use super::token::Kind;

/// What stands between two commas: one expression, or two after a sign such as `±`.
type Element = Vec<Expr>;

impl Parser<'_> {
    /// Parses the whole formula: one element, or a list of them, which is a set.
    pub(super) fn formula(&mut self) -> Option<Expr> {
        let groups = self.groups()?;
        let assigned = assigned_list(&groups);
        Some(assigned.unwrap_or_else(|| listed(groups)))
    }

    /// Parses elements between commas, in groups between semicolons.
    fn groups(&mut self) -> Option<Vec<Vec<Element>>> {
        let mut groups = vec![vec![self.element()?]];
        loop {
            if self.eat(';') {
                groups.push(vec![self.element()?]);
            } else if self.eat(',') {
                let element = self.element()?;
                groups.last_mut()?.push(element);
            } else {
                return Some(groups);
            }
        }
    }

    fn element(&mut self) -> Option<Element> {
        if self.eat('±') {
            let value = self.additive()?;
            return Some(vec![scalar::negate(value.clone())?, value]);
        }
        let first = self.side()?;
        if self.eat('±') {
            let second = self.additive()?;
            let minus = scalar::negate(second.clone())?;
            return Some(vec![scalar::add(first.clone(), second)?, scalar::add(first, minus)?]);
        }
        let mut rest = Vec::new();
        while let Some(sign) = self.relation_sign() {
            rest.push((sign, self.right_side()?));
        }
        relation(first, rest).map(|relation| vec![relation])
    }

    /// Parses what follows the sign of a relation; a sign such as `±` makes it a set of two.
    fn right_side(&mut self) -> Option<Expr> {
        if self.eat('±') {
            let value = self.additive()?;
            return Some(Expr::set(vec![scalar::negate(value.clone())?, value]));
        }
        let side = self.side()?;
        if !self.eat('±') {
            return Some(side);
        }
        let second = self.additive()?;
        let minus = scalar::negate(second.clone())?;
        Some(Expr::set(vec![scalar::add(side.clone(), second)?, scalar::add(side, minus)?]))
    }

    /// Moves behind the sign of a relation, if one is next.
    fn relation_sign(&mut self) -> Option<Sign> {
        let Kind::Sign(sign) = self.peek()?.kind else { return None };
        let sign = match sign {
            '=' => Sign::Equal,
            '<' => Sign::Less,
            '≤' => Sign::LessEqual,
            '>' => Sign::Greater,
            '≥' => Sign::GreaterEqual,
            '≠' => Sign::NotEqual,
            '≈' => Sign::Approx,
            '∈' => Sign::In,
            '∉' => Sign::NotIn,
            _ => return None,
        };
        self.advance();
        Some(sign)
    }

    /// Parses one side of a relation: an expression, or sets with their operations, of which intersections bind
    /// the strongest and differences the weakest.
    fn side(&mut self) -> Option<Expr> {
        let mut value = self.union()?;
        while self.eat('∖') {
            let right = self.union()?;
            value = Expr::Complement(Box::new(as_set(value)?), Box::new(as_set(right)?));
        }
        Some(value)
    }

    fn union(&mut self) -> Option<Expr> {
        let first = self.intersection()?;
        if !self.at('∪') {
            return Some(first);
        }
        let mut sets = vec![as_set(first)?];
        while self.eat('∪') {
            sets.push(as_set(self.intersection()?)?);
        }
        Some(Expr::Union(sets))
    }

    fn intersection(&mut self) -> Option<Expr> {
        let first = self.additive()?;
        if !self.at('∩') {
            return Some(first);
        }
        let mut sets = vec![as_set(first)?];
        while self.eat('∩') {
            sets.push(as_set(self.additive()?)?);
        }
        Some(Expr::Intersection(sets))
    }

    /// Parses what begins with `(` or `[`: a group, an interval or a tuple.
    pub(super) fn bracket(&mut self) -> Option<Expr> {
        let Kind::Sign(open) = self.advance()?.kind else { return None };
        let groups = self.inside(Self::groups)?;
        let Kind::Sign(close) = self.advance()?.kind else { return None };
        let left = if open == '(' { End::Open } else { End::Closed };
        let right = match close {
            ')' => End::Open,
            ']' => End::Closed,
            _ => return None,
        };
        let mut elements: Vec<Expr> = groups.iter().flatten().flatten().cloned().collect();
        let two = groups.len() == 1 && groups[0].len() == 2 && elements.len() == 2;
        if two && elements.iter().all(Expr::is_scalar) {
            let (end, start) = (elements.pop()?, elements.pop()?);
            return Some(Expr::Interval(Box::new(Interval { left: (start, left), right: (end, right) })));
        }
        match (left == right, elements.len()) {
            (false, _) => None,
            (true, 1) => elements.pop(),
            (true, _) => Some(Expr::Tuple(elements)),
        }
    }

    /// Parses what begins with `{` or `\{`: a group or a finite set.
    pub(super) fn brace(&mut self) -> Option<Expr> {
        let visible = self.at('⦃');
        let close = if visible { '⦄' } else { '}' };
        self.advance()?;
        if self.eat(close) {
            return Some(Expr::NamedSet(NamedSet::Empty));
        }
        let groups = self.inside(Self::groups)?;
        self.expect(close)?;
        let mut elements: Vec<Expr> = groups.into_iter().flatten().flatten().collect();
        if elements.len() == 1 && !visible { elements.pop() } else { Some(Expr::set(elements)) }
    }

    /// Parses the argument of `\boxed`: one element, or a list of them, which is a set.
    pub(super) fn boxed(&mut self) -> Option<Expr> {
        self.expect('{')?;
        let groups = self.inside(Self::groups)?;
        self.expect('}')?;
        Some(listed(groups))
    }

    /// Parses `{expression}`.
    pub(super) fn argument(&mut self) -> Option<Expr> {
        self.expect('{')?;
        let value = self.inside(Self::additive)?;
        self.expect('}')?;
        Some(value)
    }

    /// Parses something between brackets, where bars open a new absolute value.
    pub(super) fn inside<T>(&mut self, parse: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let bars = std::mem::take(&mut self.bars);
        let parsed = self.nested(parse);
        self.bars = bars;
        parsed
    }
}

/// Takes a tuple for a set where only a set makes sense; anything else but a set is an error.
fn as_set(value: Expr) -> Option<Expr> {
    match value {
        Expr::Tuple(elements) => Some(Expr::set(elements)),
        set if set.is_set() => Some(set),
        _ => None,
    }
}

/// Creates a relation from its sides. Being an element of a set is taken for being equal to it.
fn relation(first: Expr, mut rest: Vec<(Sign, Expr)>) -> Option<Expr> {
    match rest.as_mut_slice() {
        [] => return Some(first),
        [(Sign::Approx, side)] => {
            let approximated = first.has_only_symbols();
            return Some(if approximated { std::mem::replace(side, Expr::integer(0)) } else { first });
        }
        [(sign @ Sign::In, side)] if side.is_set() => *sign = Sign::Equal,
        _ => {}
    }
    let ordered = |sign: Sign| !matches!(sign, Sign::Equal | Sign::NotEqual);
    let fits = rest.iter().all(|(sign, side)| {
        !matches!(sign, Sign::In | Sign::NotIn | Sign::Approx) && (!ordered(*sign) || side.is_scalar())
    });
    fits.then(|| Expr::Relation(Box::new(first), rest))
}

/// `x = 1, 2`: the variable is equal to the whole list, unless the list contains relations.
fn assigned_list(groups: &[Vec<Element>]) -> Option<Expr> {
    let mut elements = groups.iter().flatten().flatten();
    let Some(Expr::Relation(left, rest)) = elements.next() else { return None };
    let [(Sign::Equal, first)] = rest.as_slice() else { return None };
    let others: Vec<Expr> = elements.cloned().collect();
    let relations = others.iter().any(|other| matches!(other, Expr::Relation(..)));
    if others.is_empty() || relations || !left.has_only_symbols() {
        return None;
    }
    let values = std::iter::once(first.clone()).chain(others).collect();
    Some(Expr::Relation(left.clone(), vec![(Sign::Equal, Expr::set(values))]))
}

/// One element is itself, a list is a set, and groups of several elements are tuples.
fn listed(groups: Vec<Vec<Element>>) -> Expr {
    let mut groups: Vec<Vec<Expr>> =
        groups.into_iter().map(|group| group.into_iter().flatten().collect()).collect();
    if groups.len() == 1 {
        let mut elements = groups.remove(0);
        return if elements.len() == 1 { elements.remove(0) } else { Expr::set(elements) };
    }
    if groups.iter().all(|group| group.len() == 1) {
        return Expr::set(groups.into_iter().flatten().collect());
    }
    Expr::set(groups.into_iter().map(Expr::Tuple).collect())
}
