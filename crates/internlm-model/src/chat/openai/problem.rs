//! [`FieldProblem`]: what is wrong with one field of a request or of a line of a training set.

/// A field that has the right type and cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: found {found}, expected {expected}")]
pub struct FieldProblem {
    /// Path of the field: `messages.0.tool_calls.1.function.arguments`.
    pub place: String,
    /// Value or kind of JSON found at `place`.
    pub found: String,
    /// What should be there.
    pub expected: String,
}

impl FieldProblem {
    /// A problem at `place`.
    #[must_use]
    pub fn new(place: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { place: place.into(), found: found.into(), expected: expected.into() }
    }
}
