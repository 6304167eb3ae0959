//! The error of teams whose definition does not fit together.

use internlm_kit::exit::BadInput;

/// The reason why a team cannot be created.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TeamError {
    /// The definition has problems, all of which are listed.
    #[error("team: {}", problems.join("; "))]
    Invalid {
        /// Every problem as `KEY: found X, expected Y`.
        problems: Vec<String>,
    },
}

impl BadInput for TeamError {
    /// A definition is something that somebody wrote.
    fn is_bad_input(&self) -> bool {
        true
    }
}
