//! [`ThinkingBudget`]: how much a model may think before it answers.

use internlm_model::{TokenId, Tokenizer};

use crate::parse::{ParseOptions, THINK_END};

/// How much a model may think before it answers: once its budget is used up, the mark that ends its reasoning is written
/// for it, and it continues behind that. Reasoning that begins again has the whole budget again, as in vLLM and llama.cpp.
///
/// ```
/// use lmdeploy::engine::ThinkingBudget;
/// use lmdeploy::parse::{ParseOptions, ReasoningFormat, Section, ToolFormat};
///
/// let parse = ParseOptions::new(ToolFormat::None).with_reasoning(ReasoningFormat::Think, Section::Content);
/// let tokenizer = lmdeploy::testing::tokenizer();
/// let budget = ThinkingBudget::new(100, &tokenizer, parse);
/// assert_eq!(budget.end, tokenizer.encode("</think>"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThinkingBudget {
    /// Maximum number of ids between the marks of reasoning; 0 ends reasoning as soon as it begins.
    pub tokens: usize,
    /// The ids of the mark that ends reasoning: one where it is a token of the vocabulary, those of its text otherwise.
    pub end: Vec<TokenId>,
    /// How reasoning is found in the text: as whoever reads the answer finds it.
    pub parse: ParseOptions,
}

impl ThinkingBudget {
    /// At most `tokens` ids of reasoning in a text with the ids of `tokenizer`.
    #[must_use]
    pub fn new(tokens: usize, tokenizer: &Tokenizer, parse: ParseOptions) -> Self {
        let end = tokenizer.special(THINK_END).map_or_else(|| tokenizer.encode(THINK_END), |id| vec![id]);
        Self { tokens, end, parse }
    }
}
