//! Conversations -> ids through a named template.
//!
//! Follows `encode_fn` and `template_map_fn` of XTuner 0.x: the question and the answer are read on their own, so that
//! no token spans both. A sequence begins with the vocabulary's first token, and so does the turn after one that ended
//! with its last token. Special tokens that messages spell are plain text, other than upstream.

use internlm_model::Tokenizer;
use internlm_model::chat::{Message, Piece};

use super::exchange::{Exchange, exchanges};
use super::named::{NamedTemplate, TurnEnd};
use crate::Result;
use crate::dataset::Sample;

impl NamedTemplate {
    /// The conversation up to its last answer; `weight(index)` is that of the message `index`.
    pub(super) fn encode(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        weight: impl Fn(usize) -> f32,
    ) -> Result<Sample> {
        let mut exchanges = exchanges(self, messages)?;
        // A question without an answer has nothing to learn.
        exchanges.retain(|exchange| exchange.answer.is_some());
        self.sample(tokenizer, &exchanges, weight)
    }

    /// The conversation up to where its next answer begins.
    pub(super) fn prompt(&self, tokenizer: &Tokenizer, messages: &[Message]) -> Result<Sample> {
        let exchanges = exchanges(self, messages)?;
        if exchanges.last().is_none_or(|exchange| exchange.answer.is_some()) {
            let found = match messages.last() {
                Some(last) => format!("a last message of {}", last.role.name()),
                None => "no messages".to_owned(),
            };
            return Err(self.refuse(&found, "a question or a result to answer"));
        }
        self.sample(tokenizer, &exchanges, |_| 0.0)
    }

    /// The conversation as text, without the vocabulary's first and last token.
    pub(super) fn render(&self, messages: &[Message]) -> Result<String> {
        let mut text = String::new();
        for exchange in exchanges(self, messages)? {
            text.extend(exchange.input.iter().map(Piece::text));
            if let Some((pieces, _)) = &exchange.answer {
                text.extend(pieces.iter().map(Piece::text));
                text.push_str(&self.sep);
            }
        }
        Ok(text)
    }

    fn sample(
        &self,
        tokenizer: &Tokenizer,
        exchanges: &[Exchange],
        weight: impl Fn(usize) -> f32,
    ) -> Result<Sample> {
        let mut sample = Sample::default();
        let mut begins = true;
        for exchange in exchanges {
            if begins {
                sample.extend(tokenizer.bos().as_slice(), 0.0);
            }
            sample.extend(&Piece::encode(&exchange.input, tokenizer), 0.0);
            let Some((pieces, index)) = &exchange.answer else { continue };
            let weight = weight(*index);
            sample.extend(&Piece::encode(pieces, tokenizer), weight);
            begins = self.end == TurnEnd::LastToken;
            if begins {
                let last = tokenizer.eos().ok_or_else(|| {
                    self.refuse("a vocabulary without a last token", "an `eos_token` to end answers with")
                })?;
                sample.extend(&[last], weight);
            }
            sample.extend(&Piece::encode(&[Piece::Format(self.sep.clone())], tokenizer), 0.0);
        }
        Ok(sample)
    }
}
