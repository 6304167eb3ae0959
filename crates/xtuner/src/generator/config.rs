//! [`GenerateConfig`]: how many conversations of which kind.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// How many conversations of which kind the generator writes, and where: the table `[generate]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GenerateConfig {
    /// File that the conversations are written to.
    pub conversations: PathBuf,
    /// File that the held-out questions are written to.
    pub questions: PathBuf,
    /// Seed of every draw, default 42.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Number of conversations that answer problems through the calculator.
    pub calculator: usize,
    /// Maximum number of problems in one such conversation, default 1; every count up to it is equally common.
    #[serde(default = "default_rounds")]
    pub rounds: u64,
    /// Number of exercises in which a question is to be written as an expression.
    pub expressions: usize,
    /// Number of exercises in which a number is to be said as an answer.
    pub sentences: usize,
    /// Number of exercises in which numbers are to be repeated.
    pub digits: usize,
    /// Number of conversations without arithmetic; half of them offer the calculator, which is not to be used.
    pub plain: usize,
    /// Number of problems that are answered at once because no tool is offered.
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

impl GenerateConfig {
    /// Number of conversations of all kinds.
    #[must_use]
    pub fn total(&self) -> usize {
        self.calculator + self.expressions + self.sentences + self.digits + self.plain + self.direct
    }
}

/// Only one operand pair in sixteen is held out: drawing more distinct questions than this takes long.
const MAX_HELD_OUT: usize = 100_000;

impl Validate for GenerateConfig {
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
