//! [`Region`]: a set of real numbers as a sorted list of intervals, so that equal sets are found however they are written.

use super::latex::{End, Expr, NamedSet};
use super::value::real;

/// The maximum number of intervals.
const MAX_PIECES: usize = 64;

/// An interval of numbers; a single number is closed on both sides.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: (f64, End),
    end: (f64, End),
}

/// A set of real numbers.
#[derive(Clone, Debug)]
pub(super) struct Region(Vec<Piece>);

impl Region {
    /// Reads a set. `None` if it contains anything but real numbers.
    pub(super) fn new(set: &Expr) -> Option<Self> {
        let whole = Piece { start: (f64::NEG_INFINITY, End::Open), end: (f64::INFINITY, End::Open) };
        let region = match set {
            Expr::NamedSet(NamedSet::Empty) => Self(Vec::new()),
            Expr::NamedSet(NamedSet::Reals) => Self(vec![whole]),
            Expr::Set(items) => {
                let point = |item: &Expr| {
                    let value = real(item).filter(|value| value.is_finite())?;
                    Some(Piece { start: (value, End::Closed), end: (value, End::Closed) })
                };
                Self(items.iter().map(point).collect::<Option<_>>()?)
            }
            Expr::Interval(interval) => {
                let start = (real(&interval.left.0)?, interval.left.1);
                Self(vec![Piece { start, end: (real(&interval.right.0)?, interval.right.1) }])
            }
            Expr::Union(sets) => {
                let regions = sets.iter().map(Self::new).collect::<Option<Vec<_>>>()?;
                Self(regions.into_iter().flat_map(|region| region.0).collect())
            }
            Expr::Intersection(sets) => {
                let regions = sets.iter().map(Self::new).collect::<Option<Vec<_>>>()?;
                regions.into_iter().try_fold(Self(vec![whole]), |left, right| left.intersection(&right))?
            }
            Expr::Complement(left, right) => Self::new(left)?.intersection(&Self::new(right)?.outside())?,
            _ => return None,
        };
        region.normal()
    }

    /// Sorts the pieces and joins those that touch.
    fn normal(mut self) -> Option<Self> {
        if self.0.len() > MAX_PIECES {
            return None;
        }
        self.0.retain(|piece| !piece.is_empty());
        self.0.sort_by(|a, b| {
            let closed_first = |end: End| end == End::Open;
            a.start.0.total_cmp(&b.start.0).then(closed_first(a.start.1).cmp(&closed_first(b.start.1)))
        });
        let mut joined: Vec<Piece> = Vec::with_capacity(self.0.len());
        for piece in self.0 {
            match joined.last_mut() {
                Some(last) if last.reaches(&piece) => last.extend_to(piece.end),
                _ => joined.push(piece),
            }
        }
        Some(Self(joined))
    }

    fn intersection(&self, other: &Self) -> Option<Self> {
        if self.0.len() * other.0.len() > MAX_PIECES * MAX_PIECES {
            return None;
        }
        let pairs = self.0.iter().flat_map(|a| other.0.iter().map(move |b| a.common(b)));
        Some(Self(pairs.filter(|piece| !piece.is_empty()).collect()))
    }

    /// All real numbers outside. The pieces have to be sorted.
    fn outside(&self) -> Self {
        let turned = |end: End| if end == End::Open { End::Closed } else { End::Open };
        let mut start = (f64::NEG_INFINITY, End::Open);
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        for piece in &self.0 {
            gaps.push(Piece { start, end: (piece.start.0, turned(piece.start.1)) });
            start = (piece.end.0, turned(piece.end.1));
        }
        gaps.push(Piece { start, end: (f64::INFINITY, End::Open) });
        gaps.retain(|gap| !gap.is_empty());
        Self(gaps)
    }
}

impl PartialEq for Region {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|(a, b)| same(a.start, b.start) && same(a.end, b.end))
    }
}

/// Equality of two ends up to the rounding of machine numbers.
fn same(a: (f64, End), b: (f64, End)) -> bool {
    a.1 == b.1 && (a.0 == b.0 || (a.0 - b.0).abs() <= 1e-9 * a.0.abs().max(b.0.abs()).max(1.0))
}

impl Piece {
    fn is_empty(&self) -> bool {
        let point = self.start.1 == End::Closed && self.end.1 == End::Closed;
        self.start.0 > self.end.0 || (self.start.0 == self.end.0 && !point)
    }

    /// Says whether the next piece begins inside of this one or right at its end.
    fn reaches(&self, next: &Self) -> bool {
        let touches = self.end.1 == End::Closed || next.start.1 == End::Closed;
        next.start.0 < self.end.0 || (next.start.0 == self.end.0 && touches)
    }

    fn extend_to(&mut self, end: (f64, End)) {
        let further = end.0 > self.end.0 || (end.0 == self.end.0 && end.1 == End::Closed);
        if further {
            self.end = end;
        }
    }

    fn common(&self, other: &Self) -> Self {
        let later = |a: (f64, End), b: (f64, End)| a.0 > b.0 || (a.0 == b.0 && a.1 == End::Open);
        let earlier = |a: (f64, End), b: (f64, End)| a.0 < b.0 || (a.0 == b.0 && a.1 == End::Open);
        Self {
            start: if later(self.start, other.start) { self.start } else { other.start },
            end: if earlier(self.end, other.end) { self.end } else { other.end },
        }
    }
}
