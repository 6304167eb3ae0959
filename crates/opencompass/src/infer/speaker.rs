//! Turns prompts into requests for generation: as messages, as text or for an agent.

use serde_json::Value;

use super::InferContext;
use crate::dataset::{Dataset, Mode};
use crate::model::{ChatMessage, MessageRole, Profile, Protocol, Request, Sampling};
use crate::prompt::{
    MetaPart, MetaTemplate, PromptList, Purpose, RoleMessage, render_messages, render_text, turns_of,
};

/// Sampling temperature of modes that need answers which differ, if neither dataset nor model names one. Upstream's configs
/// use it.
const VARIED: f32 = 0.7;

/// What turns the prompts of one dataset into requests to one model.
#[derive(Clone, Copy)]
pub(super) struct Speaker<'a> {
    dataset: &'a Dataset,
    profile: &'a Profile,
    context: InferContext,
}

impl<'a> Speaker<'a> {
    pub(super) fn new(dataset: &'a Dataset, profile: &'a Profile, context: InferContext) -> Self {
        Self { dataset, profile, context }
    }

    /// Returns the maximum number of tokens of a prompt.
    pub(super) fn limit(&self) -> usize {
        self.profile.max_seq_len.saturating_sub(self.max_tokens().unwrap_or(0) as usize)
    }

    /// Returns the maximum number of tokens of an answer: the dataset's own, or that of the run.
    fn max_tokens(&self) -> Option<u32> {
        let half = u32::try_from(self.profile.max_seq_len / 2).unwrap_or(u32::MAX);
        let usual = self.context.max_out_len.map(|length| length.min(half).max(1));
        self.dataset.config.infer.max_out_len.or(usual)
    }

    /// Returns the settings of answer number `number`. Every answer of a row has its own seed, and so its own place in
    /// the store.
    fn sampling(&self, number: u64) -> Sampling {
        let infer = &self.dataset.config.infer;
        let varied = matches!(infer.mode, Mode::Sc | Mode::Tot);
        let usual = if varied { VARIED } else { 0.0 };
        Sampling {
            max_tokens: self.max_tokens(),
            temperature: infer.temperature.or(self.profile.temperature).unwrap_or(usual),
            stop: infer.stop.clone(),
            seed: self.context.seed.wrapping_add(number),
        }
    }

    /// Creates the request for a prompt, with the text whose tokens count.
    pub(super) fn request(&self, list: &PromptList, number: u64) -> Result<(Request, String), String> {
        let meta = self.profile.meta_template.as_ref();
        if self.sends_messages() {
            let api = MetaTemplate::api();
            let meta = meta.filter(|meta| has_api_roles(meta)).unwrap_or(&api);
            let messages = messages(render_messages(list, meta, Purpose::Generate)?)?;
            let text: String = messages.iter().map(ChatMessage::text).collect();
            Ok((self.ask(messages, number), text))
        } else {
            let prompt = render_text(list, meta, Purpose::Generate)?;
            let request = Request::Complete { prompt: prompt.clone(), sampling: self.sampling(number) };
            Ok((request, prompt))
        }
    }

    /// Creates the request for raw messages, which become text only for a model that takes text. An empty message of
    /// the model at the end is its own turn and is left out.
    pub(super) fn raw(
        &self,
        mut messages: Vec<ChatMessage>,
        number: u64,
    ) -> Result<(Request, String), String> {
        messages.pop_if(|last| last.role == MessageRole::Assistant && last.text().is_empty());
        if self.sends_messages() {
            let text: String = messages.iter().map(ChatMessage::text).collect();
            return Ok((self.ask(messages, number), text));
        }
        messages.push(ChatMessage::assistant(""));
        self.request(&turns_of(&messages), number)
    }

    /// Creates the request for a conversation, whose last message asks.
    pub(super) fn ask(&self, messages: Vec<ChatMessage>, number: u64) -> Request {
        let infer = &self.dataset.config.infer;
        let sampling = self.sampling(number);
        match infer.mode {
            Mode::Agent => Request::Agent { agent: Value::Object(infer.agent.clone()), messages, sampling },
            _ => Request::Chat { messages, tools: infer.tools.clone(), sampling },
        }
    }

    fn sends_messages(&self) -> bool {
        matches!(self.dataset.config.infer.mode, Mode::Chat | Mode::Agent)
            || self.profile.protocol == Protocol::Chat
    }
}

/// Says whether a meta template names API roles. One that is made for text does not; messages then use the usual
/// roles.
fn has_api_roles(meta: &MetaTemplate) -> bool {
    meta.round.iter().any(|part| matches!(part, MetaPart::Role(role) if role.api_role.is_some()))
}

/// Translates upstream's roles into those of messages.
fn messages(turns: Vec<RoleMessage>) -> Result<Vec<ChatMessage>, String> {
    let message = |turn: RoleMessage| {
        let role = match turn.role.as_str() {
            "SYSTEM" => MessageRole::System,
            "HUMAN" => MessageRole::User,
            "BOT" => MessageRole::Assistant,
            other => return Err(format!("api_role: found `{other}`, expected HUMAN, BOT or SYSTEM")),
        };
        Ok(ChatMessage::new(role, turn.prompt))
    };
    turns.into_iter().map(message).collect()
}

/// Returns the request of the same prompt with another seed.
pub(super) fn reseeded(request: &Request, seed: u64) -> Request {
    let mut request = request.clone();
    match &mut request {
        Request::Complete { sampling, .. }
        | Request::Chat { sampling, .. }
        | Request::Agent { sampling, .. } => sampling.seed = seed,
        Request::Score { .. }
        | Request::Tokens { .. }
        | Request::Choices { .. }
        | Request::Embed { .. }
        | Request::Run { .. } => {}
    }
    request
}
