//! [`Responder::responses`]: a request of the Responses API -> a chat request under way, and what makes items of its
//! outputs.

mod answer;
mod input;
mod input_items;
mod items;
mod options;
mod store;
mod truncation;

pub use answer::ResponsesAnswer;
pub use store::ResponseStore;

use std::hash::{BuildHasher, RandomState};

use serde_json::{Map, Value};

use self::answer::Started;
use self::input::Conversation;
use self::options::{Includes, response_format, tools_and_choice};
use super::Responder;
use super::renamed::{Names, renamed};
use super::responder::now;
use crate::engine::Generation;
use crate::protocol::responses::{InputTokenCount, ResponseObject, ResponsesRequest, TextOptions};
use crate::protocol::{ChatMessage, ChatRequest};
use crate::{Error, Result};

/// What the fields of a chat request are called here.
const NAMES: Names<'static> = Names {
    starts: &[
        ("response_format.json_schema", "text.format"),
        ("response_format", "text.format"),
        ("max_tokens", "max_output_tokens"),
        ("min_new_tokens", "min_tokens"),
        ("reasoning_effort", "reasoning.effort"),
        ("messages", "input"),
    ],
    pieces: &[(".function.", "."), (".function", "")],
};

/// What a request asks for.
struct Asked {
    chat: ChatRequest,
    /// Where the messages come from.
    places: Vec<String>,
    /// The conversation that is kept with the response.
    kept: Vec<ChatMessage>,
    includes: Includes,
}

impl Responder {
    /// Starts a response: one generation, and what turns its outputs into events or a whole response. `store` is where
    /// earlier responses are looked up, and where this one is kept unless the request says otherwise.
    ///
    /// # Errors
    /// [`Error::Refused`] when the request is wrong, with status 404 for a previous response that is not there. A full
    /// queue or a failing model show in the outputs.
    pub fn responses(
        &self,
        request: &ResponsesRequest,
        store: &ResponseStore,
    ) -> Result<(Vec<Generation>, ResponsesAnswer)> {
        let Asked { chat, places, kept, includes } = self.asked(request, store)?;
        let (generations, answers) = self.chat(&chat).map_err(|error| renamed(error, NAMES, &places))?;
        let chat = answers.into_iter().next().expect("a request has at least one choice");
        let name = format!("{}_{}", secret(), self.name(&generations));
        let is_stored = request.store != Some(false);
        let started = Started {
            object: self.response_object(request, format!("resp_{name}")),
            conversation: kept,
            input: if is_stored { asked_items(request, store, &name) } else { Vec::new() },
            store: is_stored.then(|| store.clone()),
            name,
            includes,
        };
        Ok((generations, ResponsesAnswer::new(chat, started)))
    }

    /// Counts the tokens of a request's prompt, and generates nothing. `store` is where earlier responses are looked up.
    ///
    /// # Errors
    /// As [`Responder::responses`].
    pub fn count_response_tokens(
        &self,
        request: &ResponsesRequest,
        store: &ResponseStore,
    ) -> Result<InputTokenCount> {
        let Asked { chat, places, .. } = self.asked(request, store)?;
        let length = self.prompt_length(&chat).map_err(|error| renamed(error, NAMES, &places))?;
        Ok(InputTokenCount::new(length as u64))
    }

    /// The chat request that asks for the same.
    fn asked(&self, request: &ResponsesRequest, store: &ResponseStore) -> Result<Asked> {
        self.check_model(&request.model)?;
        let mut conversation = conversation(request, store)?;
        // What continues this response begins without its instructions.
        let kept = conversation.messages.clone();
        if let Some(instructions) = &request.instructions {
            conversation.begin_with(ChatMessage::system(instructions), "instructions");
        }
        let includes = Includes::of(request)?;
        let mut chat = chat_request(request, includes)?;
        chat.messages = conversation.messages;
        let mut places = conversation.places;
        match request.truncation.as_deref() {
            None | Some("disabled") => {}
            Some("auto") => {
                let dropped = self.truncate(&mut chat);
                places.drain(dropped);
            }
            Some(other) => {
                let message = format!("found `{other}`, expected `auto` or `disabled`");
                return Err(Error::field("truncation", message));
            }
        }
        Ok(Asked { chat, places, kept, includes })
    }

    /// The response before its first output.
    fn response_object(&self, request: &ResponsesRequest, id: String) -> ResponseObject {
        let text = request.text.clone().unwrap_or_default();
        let plain = || Map::from_iter([("type".to_owned(), Value::from("text"))]);
        ResponseObject {
            id,
            object: "response".to_owned(),
            created_at: now(),
            instructions: request.instructions.clone(),
            max_output_tokens: request.max_output_tokens,
            max_tool_calls: request.max_tool_calls,
            model: self.model().name.clone(),
            parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
            previous_response_id: request.previous_response_id.clone(),
            prompt_cache_key: request.prompt_cache_key.clone(),
            reasoning: request.reasoning.clone().unwrap_or_default(),
            safety_identifier: request.safety_identifier.clone(),
            service_tier: "default".to_owned(),
            store: request.store != Some(false),
            temperature: Some(request.temperature.unwrap_or(self.model().sampling.temperature)),
            text: TextOptions {
                format: Some(text.format.unwrap_or_else(plain)),
                verbosity: Some("medium".to_owned()),
            },
            tool_choice: request
                .tool_choice
                .clone()
                .filter(|choice| !choice.is_null())
                .unwrap_or("auto".into()),
            tools: request.tools.clone().unwrap_or_default(),
            top_logprobs: request.top_logprobs.unwrap_or(0),
            top_p: Some(request.top_p.unwrap_or(self.model().sampling.top_p)),
            truncation: request.truncation.clone().unwrap_or_else(|| "disabled".to_owned()),
            user: request.user.clone(),
            metadata: request.metadata.clone().unwrap_or_default(),
            ..ResponseObject::default()
        }
    }
}

/// The items of the previous response's conversation, and those of the input behind them.
fn asked_items(request: &ResponsesRequest, store: &ResponseStore, name: &str) -> Vec<Map<String, Value>> {
    let previous = request.previous_response_id.as_deref().and_then(|id| store.all_items(id));
    let mut items = previous.unwrap_or_default();
    items.extend(request.input.iter().flat_map(|input| input_items::written(input, store, name)));
    items
}

/// The conversation of the previous response, and the input behind it.
fn conversation(request: &ResponsesRequest, store: &ResponseStore) -> Result<Conversation> {
    let mut conversation = match &request.previous_response_id {
        None => Conversation::default(),
        Some(id) => {
            let missing = || Error::NoPreviousResponse { id: id.clone() };
            let messages = store.conversation(id).ok_or_else(missing)?;
            Conversation::resume(messages, "previous_response_id")
        }
    };
    let input = request.input.as_ref();
    let input =
        input.ok_or_else(|| Error::field("input", "found nothing, expected a string or a list of items"))?;
    conversation.read(input, store)?;
    if conversation.messages.is_empty() {
        return Err(Error::field("input", "found no items, expected at least one"));
    }
    Ok(conversation)
}

/// The chat request that asks for the same, without its messages.
fn chat_request(request: &ResponsesRequest, includes: Includes) -> Result<ChatRequest> {
    let (tools, tool_choice) = tools_and_choice(request)?;
    Ok(ChatRequest {
        model: request.model.clone(),
        tools,
        tool_choice,
        parallel_tool_calls: request.parallel_tool_calls,
        // A response is a new item, also behind one of the model.
        add_generation_prompt: Some(true),
        chat_template_kwargs: request.chat_template_kwargs.clone(),
        enable_thinking: request.enable_thinking,
        reasoning_effort: request.reasoning.as_ref().and_then(|reasoning| reasoning.effort.clone()),
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        min_p: request.min_p,
        repetition_penalty: request.repetition_penalty,
        presence_penalty: request.presence_penalty,
        frequency_penalty: request.frequency_penalty,
        logit_bias: request.logit_bias.clone(),
        seed: request.seed,
        max_tokens: request.max_output_tokens,
        min_new_tokens: request.min_tokens,
        stop: request.stop.clone(),
        stop_token_ids: request.stop_token_ids.clone(),
        include_stop_str_in_output: request.include_stop_str_in_output,
        bad_words: request.bad_words.clone(),
        ignore_eos: request.ignore_eos,
        skip_special_tokens: request.skip_special_tokens,
        response_format: response_format(request.text.as_ref())?,
        structured_outputs: request.structured_outputs.clone(),
        logprobs: Some(includes.logprobs),
        top_logprobs: request.top_logprobs,
        timeout: request.timeout,
        priority: request.priority,
        cache_salt: request.cache_salt.clone(),
        ..ChatRequest::default()
    })
}

/// What makes names hard to guess: whoever knows the name of a response or of an item can read it. The keys of the
/// hasher are the system's random numbers.
fn secret() -> String {
    format!("{:016x}", RandomState::new().hash_one(now()))
}

/// Says whether a text has the form of this server's names for responses; the schema of requests has it as a pattern.
#[cfg(feature = "server")]
pub(crate) fn is_response_id(id: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parts = id.strip_prefix("resp_").and_then(|name| name.split_once('_'));
    parts.is_some_and(|(secret, name)| {
        secret.len() == 16 && is_hex(secret) && !name.is_empty() && is_hex(name)
    })
}
