//! [`Term`]: a loss of two scores.

/// Loss of one example and its derivatives by the scores of the two answers. Where examples depend on each other, the
/// derivatives are those of the sum of the losses of the group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) loss: f64,
    pub(super) by: [f64; 2],
}
