//! What a rule reports: a place, the rule's name, and what was found there.

use std::fmt;

/// One place where a rule does not hold.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Finding {
    /// Path below the workspace root.
    pub(crate) path: String,
    /// Line, 1-based; 0 for the file as a whole.
    pub(crate) line: usize,
    /// Name of the rule.
    pub(crate) rule: &'static str,
    /// What was found and what was expected.
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}: {}", self.path, self.line, self.rule, self.message)
    }
}
