//! [`RewardModel`]: rewards from a model with a value head.
//!
//! The conversation with the answer is written in the reward model's own chat format, behind the system prompt of its
//! domain, and the value at the reward token is the reward. The model need not share a tokenizer with the one that learns.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_model::chat::Message;
use internlm_model::decoder::Decoder;
use internlm_model::reward::{domain_prompts, reward_token};
use internlm_model::{Tokenizer, device};
use internlm_train::{Head, Row, outputs};

use super::super::prompt::Prompt;
use super::Answered;
use crate::reward::conversation_ids;
use crate::template::Template;
use crate::{Error, Result};

/// A reward model with its tokenizer, its template and the system prompts of its domains.
#[derive(Debug)]
pub(super) struct RewardModel {
    decoder: Decoder,
    tokenizer: Tokenizer,
    template: Template,
    domains: BTreeMap<String, String>,
    place: String,
}

impl RewardModel {
    /// Loads the model in the folder `path`.
    ///
    /// # Errors
    /// Files that cannot be used, and a model without a value head.
    pub(super) fn load(path: &Path, template: Option<&str>, device: &str) -> Result<Self> {
        let decoder = Decoder::load(path, &device::parse(device)?)?;
        let place = path.display().to_string();
        if decoder.logits_width() != 1 {
            let found = format!("a model with {} outputs per token", decoder.logits_width());
            return Err(Error::mismatch(place, found, "a reward model, which has one value"));
        }
        let (tokenizer, template) = (Tokenizer::load(path)?, Template::load(path, template)?);
        let domains = domain_prompts(decoder.config())?;
        Ok(Self { decoder, tokenizer, template, domains, place })
    }

    /// The same model with a system prompt for each domain; without any, with those that it was trained with.
    pub(super) fn with_domains(self, domains: BTreeMap<String, String>) -> Self {
        if domains.is_empty() { self } else { Self { domains, ..self } }
    }

    /// Refuses a prompt of a domain that the model was not told about.
    pub(super) fn check(&self, prompt: &Prompt) -> Result<()> {
        match &prompt.domain {
            Some(domain) if !self.domains.is_empty() && !self.domains.contains_key(domain) => {
                let known: Vec<&str> = self.domains.keys().map(String::as_str).collect();
                Err(prompt.error(&format!("the domain `{domain}`"), &format!("one of {}", known.join(", "))))
            }
            _ => Ok(()),
        }
    }

    /// The score of each answer.
    ///
    /// # Errors
    /// Conversations that do not fit the template or the positions of the model.
    pub(super) fn score(&self, answers: &[Answered<'_>], pass_tokens: usize) -> Result<Vec<f64>> {
        let rows = answers.iter().map(|answer| self.row(answer)).collect::<Result<Vec<_>>>()?;
        let values = outputs(&self.decoder, &rows, Head::Values, pass_tokens)?;
        Ok(values.iter().map(|values| values.last().copied().map_or(0.0, f64::from)).collect())
    }

    fn row(&self, answer: &Answered<'_>) -> Result<Row> {
        let domain = answer.prompt.domain.as_ref().and_then(|domain| self.domains.get(domain));
        let mut messages: Vec<Message> = domain.map(Message::system).into_iter().collect();
        messages.extend(answer.prompt.messages.iter().cloned());
        messages.push(Message::assistant(answer.text));
        let mut ids = conversation_ids(&self.template, &self.tokenizer, &messages)?;
        let token = reward_token(self.decoder.config());
        if ids.last() != Some(&token) {
            ids.push(token);
        }
        let limit = self.decoder.config().max_position;
        if ids.len() > limit {
            let found = format!("a conversation of {} tokens", ids.len());
            return Err(Error::mismatch(self.place.as_str(), found, format!("at most {limit} positions")));
        }
        Ok(Row::sample(&ids))
    }
}
