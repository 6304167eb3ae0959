//! [`TestConfig`]: the table `[test]`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the verb `test` asks the tuned model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestConfig {
    /// File of questions with `question`, `answer` and `expression`, one per line.
    pub questions: PathBuf,
    /// Maximum number of questions to ask, default 100.
    #[serde(default = "default_test_limit")]
    pub limit: usize,
    /// Maximum number of tokens of one reply, default 64.
    #[serde(default = "default_max_tokens", alias = "max-new-tokens")]
    pub max_tokens: usize,
}

fn default_test_limit() -> usize {
    100
}

fn default_max_tokens() -> usize {
    64
}

impl TestConfig {
    /// The questions in the file `questions`, with everything else at its default.
    #[must_use]
    pub fn new(questions: impl Into<PathBuf>) -> Self {
        Self { questions: questions.into(), limit: default_test_limit(), max_tokens: default_max_tokens() }
    }
}
