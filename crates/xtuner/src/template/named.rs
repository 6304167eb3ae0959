//! [`NamedTemplate`]: a chat template as texts around what is said, XTuner's `PROMPT_TEMPLATE`.

use crate::Error;

/// Texts around system messages, questions and answers. See `templates.toml` for their placeholders.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NamedTemplate {
    /// Row of the table, for messages.
    pub name: String,
    /// Around `{system}`; `None` when system messages are refused.
    pub system: Option<String>,
    /// Around the question `{input}`, up to where the answer begins.
    pub instruction: String,
    /// Behind an answer, learned with it.
    pub suffix: String,
    /// What ends an answer and is learned.
    pub end: TurnEnd,
    /// Between turns, not learned.
    pub sep: String,
    /// Texts that end an answer in generation.
    pub stop_words: Vec<String>,
    /// Around tools, calls and results; `None` when conversations with tools are refused.
    pub tools: Option<ToolTexts>,
}

/// What a model writes when its answer is complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TurnEnd {
    /// The suffix of the template.
    Suffix,
    /// The suffix, then the last token of the vocabulary.
    LastToken,
}

/// Texts around what belongs to tools; `{channel}` is the mark of plugins or of the interpreter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ToolTexts {
    /// Around the offered `{tools}`.
    pub tools: String,
    /// Text around one call, with the place `{call}`.
    pub call: String,
    /// Text around one result, with the place `{result}`.
    pub result: String,
    /// Opens the answer to results.
    pub answer: String,
}

impl NamedTemplate {
    /// An error about messages that do not fit the template.
    pub(super) fn refuse(&self, found: &str, expected: &str) -> Error {
        Error::mismatch(format!("chat template `{}`", self.name), found, expected)
    }
}
