//! [`ConversationsConfig`]: how many conversations of which kind.

use std::path::PathBuf;

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// How many conversations of which kind the generator writes, and where: the table `[generate]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConversationsConfig {
    /// File that the conversations are written to; without a conversation of any kind it is not.
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
    /// Number of conversations of a ReAct agent with the calculator: calls and results are plain text, for models whose
    /// template has no tools.
    #[serde(default)]
    pub react: usize,
    /// The system prompt of these conversations, as the agent writes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub react_prompt: String,
    /// Number of held-out questions, default 200.
    #[serde(default = "default_held_out")]
    pub held_out: usize,
    /// Decimal digits of every operand of questions and prompts, default 1 to 4, each equally common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operand_digits: Option<u32>,
    /// File of prompts for reinforcement learning: questions about operands that conversations may have, the
    /// calculator, and the expression as the reference. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<PathBuf>,
    /// Number of prompts, default 400.
    #[serde(default = "default_prompt_count")]
    pub prompt_count: usize,
    /// How many of the prompts have operands of 1 to 4 digits whatever `operand-digits` says, default 0: reinforcement
    /// learning of one length alone costs the others.
    #[serde(default)]
    pub mixed_prompts: usize,
}

fn default_prompt_count() -> usize {
    400
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
            react: 0,
            react_prompt: String::new(),
            held_out: default_held_out(),
            operand_digits: None,
            prompts: None,
            prompt_count: default_prompt_count(),
            mixed_prompts: 0,
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

    /// Maximum number of held-out questions: short operands have few pairs, of which one in sixteen is held out.
    fn most_held_out(&self) -> usize {
        match self.operand_digits {
            Some(..=2) => 500,
            _ => MAX_HELD_OUT,
        }
    }

    /// Number of conversations of all kinds.
    #[must_use]
    pub fn total(&self) -> usize {
        let small = self.expressions + self.sentences + self.digits + self.plain + self.direct;
        self.calculator + small + self.react
    }
}

impl ConversationsConfig {
    /// A setting that would change nothing.
    fn useless(&self) -> Option<String> {
        let mixed = self.mixed_prompts;
        if self.react == 0 && !self.react_prompt.is_empty() {
            return Some(
                "generate.react-prompt: found a text, expected none without generate.react".to_owned(),
            );
        }
        if mixed > 0 && (self.prompts.is_none() || self.operand_digits.is_none()) {
            let expected = "0 without generate.prompts and generate.operand-digits";
            return Some(format!("generate.mixed-prompts: found {mixed}, expected {expected}"));
        }
        None
    }
}

/// Only one operand pair in sixteen is held out: drawing more distinct questions than this takes long.
const MAX_HELD_OUT: usize = 100_000;

impl Validate for ConversationsConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.prompts.is_some() && self.prompt_count == 0 {
            problems.push("generate.prompt-count: found 0, expected at least 1".to_owned());
        }
        problems.extend(self.useless());
        if self.prompts.is_some() && self.mixed_prompts > self.prompt_count {
            let (found, most) = (self.mixed_prompts, self.prompt_count);
            problems
                .push(format!("generate.mixed-prompts: found {found}, expected at most the {most} prompts"));
        }
        if let Some(digits) = self.operand_digits.filter(|digits| !(2..=9).contains(digits)) {
            problems.push(format!("generate.operand-digits: found {digits}, expected 2 to 9"));
        }
        if self.total() == 0 && self.prompts.is_none() {
            problems.push("generate: found 0 conversations of every kind, expected at least 1".to_owned());
        }
        if self.react > 0 && self.react_prompt.trim().is_empty() {
            problems
                .push("generate.react-prompt: found no text, expected the agent's system prompt".to_owned());
        }
        if self.rounds == 0 {
            problems.push("generate.rounds: found 0, expected at least 1".to_owned());
        }
        let most = self.most_held_out();
        if !(1..=most).contains(&self.held_out) {
            let found = self.held_out;
            problems.push(format!("generate.held-out: found {found}, expected 1..={most}"));
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
