//! [`GrammarSource`]: a grammar as it was asked for.

use serde_json::Value;

/// A grammar as it was asked for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GrammarSource {
    /// JSON that follows a schema, with its properties in the order of the schema. Between two parts of it there is at
    /// most a space, or a line break with up to eight spaces. An object whose schema lists properties has no others,
    /// unless the schema says so with `additionalProperties` or `patternProperties`. With llguidance's setting
    /// `{"x-guidance": {"whitespace_flexible": false}}` there is no white space at all.
    JsonSchema(Value),
    /// Any JSON object, with any keys and values.
    JsonObject,
    /// A text that a regular expression in Rust's notation matches as a whole.
    Regex(String),
    /// One of several texts.
    Choice(Vec<String>),
    /// A text of a grammar in llguidance's dialect of Lark, or in GBNF, llama.cpp's notation, whose rules are
    /// `name ::= ..`.
    Lark(String),
    /// Rules with other grammars inside.
    Rules(GrammarRules),
}

/// Rules in Lark's notation with other grammars inside of them.
#[derive(Clone, Debug, PartialEq)]
pub struct GrammarRules {
    /// The rules. `@[0]` stands for the first part.
    pub(super) rules: String,
    /// The parts, each with the name of its place for errors.
    pub(super) parts: Vec<(String, GrammarSource)>,
}

impl GrammarRules {
    /// Rules with parts; `@[0]` in the rules stands for the first of them.
    pub(crate) fn new(rules: impl Into<String>, parts: Vec<(String, GrammarSource)>) -> Self {
        Self { rules: rules.into(), parts }
    }
}

impl GrammarSource {
    /// Number of bytes, about.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::JsonSchema(schema) => schema.to_string().len(),
            Self::JsonObject => 0,
            Self::Regex(text) | Self::Lark(text) => text.len(),
            Self::Choice(texts) => texts.iter().map(String::len).sum(),
            Self::Rules(rules) => {
                rules.rules.len() + rules.parts.iter().map(|(_, part)| part.size()).sum::<usize>()
            }
        }
    }
}
