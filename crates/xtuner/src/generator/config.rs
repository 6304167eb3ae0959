//! [`ConversationsConfig`]: how many conversations of which kind.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// How many conversations of which kind the generator writes, and where: the table `[generate]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConversationsConfig {
    /// File that the conversations are written to.
    pub conversations: PathBuf,
    /// File that the held-out questions are written to.
    pub questions: PathBuf,
    /// Seed of every draw, default 42.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Number of conversations that answer problems through the calculator, default 0 as for the other kinds.
    #[serde(default)]
    pub calculator: usize,
    /// Maximum number of problems in one such conversation, default 1; every count up to it is equally common.
    #[serde(default = "default_rounds")]
    pub rounds: u64,
    /// Number of exercises in which a question is to be written as an expression.
    #[serde(default)]
    pub expressions: usize,
    /// Number of exercises in which a number is to be said as an answer.
    #[serde(default)]
    pub sentences: usize,
    /// Number of exercises in which numbers are to be repeated.
    #[serde(default)]
    pub digits: usize,
    /// Number of conversations without arithmetic; half of them offer the calculator, which is not to be used.
    #[serde(default)]
    pub plain: usize,
    /// Number of problems that are answered at once because no tool is offered.
    #[serde(default)]
    pub direct: usize,
    /// Number of held-out questions, default 200.
    #[serde(default = "default_held_out")]
    pub held_out: usize,
}

fn default_seed() -> u64 {
    42
}

fn default_rounds() -> u64 {
    1
}

fn default_held_out() -> usize {
    200
}

impl ConversationsConfig {
    /// No conversation yet, and the default number of held-out questions, in these two files.
    #[must_use]
    pub fn new(conversations: impl Into<PathBuf>, questions: impl Into<PathBuf>) -> Self {
        Self {
            conversations: conversations.into(),
            questions: questions.into(),
            seed: default_seed(),
            calculator: 0,
            rounds: default_rounds(),
            expressions: 0,
            sentences: 0,
            digits: 0,
            plain: 0,
            direct: 0,
            held_out: default_held_out(),
        }
    }

    /// The same files from another seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same files with `count` conversations that use the calculator; the other kinds have fields too.
    #[must_use]
    pub fn with_calculator(self, count: usize) -> Self {
        Self { calculator: count, ..self }
    }

    /// Number of conversations of all kinds.
    #[must_use]
    pub fn total(&self) -> usize {
        self.calculator + self.expressions + self.sentences + self.digits + self.plain + self.direct
    }
}

/// Only one operand pair in sixteen is held out: drawing more distinct questions than this takes long.
const MAX_HELD_OUT: usize = 100_000;

impl Validate for ConversationsConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.total() == 0 {
            problems.push("generate: found 0 conversations of every kind, expected at least 1".to_owned());
        }
        if self.rounds == 0 {
            problems.push("generate.rounds: found 0, expected at least 1".to_owned());
        }
        if !(1..=MAX_HELD_OUT).contains(&self.held_out) {
            let found = self.held_out;
            problems.push(format!("generate.held-out: found {found}, expected 1..={MAX_HELD_OUT}"));
        }
        if self.conversations == self.questions {
            let found = self.questions.display();
            problems.push(format!(
                "generate.questions: found {found}, expected another file than that of the conversations"
            ));
        }
        problems
    }
}
