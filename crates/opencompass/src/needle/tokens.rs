//! [`Tokens`]: what counts the tokens of a long set that is made when it is loaded.

use internlm_model::TokenId;
use internlm_model::tokenizer::{Special, Tokenizer};

use super::ranks::Ranks;

/// GPT-4's vocabulary, with which published sets are made, or the tokenizer of a model.
#[derive(Debug)]
pub(crate) enum Tokens {
    /// A file of tiktoken.
    Ranks(Ranks),
    /// A tokenizer that the dataset file names.
    Model(Tokenizer),
}

impl Tokens {
    /// Takes the vocabulary from the content of a `.tiktoken` file.
    pub(crate) fn of_ranks(text: &str) -> Result<Self, String> {
        Ranks::parse(text).map(Self::Ranks)
    }

    /// Loads the tokenizer at a path.
    pub(crate) fn of_model(path: &str) -> Result<Self, String> {
        Tokenizer::load(path).map(Self::Model).map_err(|error| error.to_string())
    }

    /// Returns the tokens of a part of a text.
    pub(crate) fn ids(&self, text: &str) -> Vec<TokenId> {
        match self {
            Self::Ranks(ranks) => ranks.encode(text),
            Self::Model(tokenizer) => tokenizer.encode(text),
        }
    }

    /// Counts the tokens of a whole prompt, with the first one that a model's tokenizer adds.
    pub(crate) fn count(&self, text: &str) -> usize {
        match self {
            Self::Ranks(ranks) => ranks.encode(text).len(),
            Self::Model(tokenizer) => tokenizer.encode_prompt(text).len(),
        }
    }

    /// Returns the text of tokens; bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn text(&self, ids: &[TokenId]) -> String {
        match self {
            Self::Ranks(ranks) => ranks.decode(ids),
            Self::Model(tokenizer) => tokenizer.decode(ids, Special::Keep),
        }
    }
}
