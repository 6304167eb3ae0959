//! [`GrammarError`]: why a grammar cannot be used, and where.

/// Why a grammar cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}{message}", if pointer.is_empty() { String::new() } else { format!("{pointer}: ") })]
pub struct GrammarError {
    /// JSON pointer to the place in the schema, such as `/properties/a`, behind the name of the part of a grammar that
    /// has several. Empty for the whole of it.
    pub pointer: String,
    /// What was found and what was expected.
    pub message: String,
}

impl GrammarError {
    /// An error at a place.
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }

    /// The same error in a part of a larger grammar.
    pub(super) fn within(self, place: &str) -> Self {
        Self { pointer: format!("{place}{}", self.pointer), ..self }
    }
}
