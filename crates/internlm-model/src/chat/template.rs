//! [`ChatTemplate`]: messages -> text and ids.

use std::path::Path;

use super::Message;
use crate::{Result, TokenId, Tokenizer};

/// Whether the encoded conversation ends with the start of the assistant's answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompt {
    /// Ends with `<|im_start|>assistant\n`.
    Generate,
    /// Ends with the last message.
    None,
}

/// Whether a token counts in the training loss.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// The model learns to produce it.
    Keep,
    /// Context only.
    Skip,
}

/// How messages become one sequence.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ChatTemplate {
    /// InternLM2's ChatML.
    InternLm2,
}

impl ChatTemplate {
    /// The template of a model folder or GGUF file.
    ///
    /// # Errors
    /// The files are missing or malformed.
    pub fn load(_path: &Path) -> Result<Self> {
        Ok(Self::InternLm2)
    }

    /// Ids of a conversation: `<s>` once, then the turns. Content never yields special ids.
    ///
    /// # Errors
    /// The vocabulary lacks a token of the template.
    pub fn encode(
        &self,
        _tokenizer: &Tokenizer,
        _messages: &[Message],
        _prompt: Prompt,
    ) -> Result<Vec<TokenId>> {
        Ok(Vec::new())
    }

    /// Ids with their part in the loss: assistant content, calls and the closing `<|im_end|>`; nothing else.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_with_loss(
        &self,
        _tokenizer: &Tokenizer,
        _messages: &[Message],
    ) -> Result<Vec<(TokenId, Loss)>> {
        Ok(Vec::new())
    }

    /// The conversation as text, special tokens by name.
    ///
    /// # Errors
    /// The messages do not fit the template.
    pub fn render(&self, _messages: &[Message], _prompt: Prompt) -> Result<String> {
        Ok(String::new())
    }
}
