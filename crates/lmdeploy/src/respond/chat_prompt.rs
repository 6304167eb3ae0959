//! The prompt of a chat request, without an answer: how many ids it has, and what it says.

use internlm_model::TokenId;
use internlm_model::tokenizer::Special;

use super::Responder;
use super::allowed_tools::with_allowed_tools;
use super::effort::with_effort;
use crate::Result;
use crate::protocol::responses::InputTokenCount;
use crate::protocol::{AppliedTemplate, ChatRequest};

impl Responder {
    /// The number of ids in the prompt of a chat request, which is the `prompt_tokens` of its answer.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when the request does not fit the model's chat template.
    pub fn count_chat_tokens(&self, request: &ChatRequest) -> Result<InputTokenCount> {
        Ok(InputTokenCount::new(self.prompt_alone(request)?.len() as u64))
    }

    /// The prompt of a chat request as text, with its marks: exactly what the model gets.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when the request does not fit the model's chat template.
    pub fn apply_template(&self, request: &ChatRequest) -> Result<AppliedTemplate> {
        let ids = self.prompt_alone(request)?;
        Ok(AppliedTemplate { prompt: self.model().tokenizer.decode(&ids, Special::Keep) })
    }

    fn prompt_alone(&self, request: &ChatRequest) -> Result<Vec<TokenId>> {
        self.check_model(&request.model)?;
        let request = with_effort(self.model(), request)?;
        let request = with_allowed_tools(&request)?;
        let (ids, _continues) = self.chat_prompt(&request)?;
        Ok(ids)
    }
}
