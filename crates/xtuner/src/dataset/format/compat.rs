//! [`Compat`]: whose peculiarities are kept.

use serde::{Deserialize, Serialize};

/// Whose peculiarities readers keep, for runs that are compared with the original.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum Compat {
    /// Files mean what they say; the default.
    #[default]
    None,
    /// XTuner's: a line end between instruction and input even when the input is empty, questions in a row as one
    /// question, and the id 0 of InternEvo's data not learned.
    Xtuner,
}

impl Compat {
    /// The name in configs and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Xtuner => "xtuner",
        }
    }
}
