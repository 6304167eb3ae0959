//! [`Responder::responses`]: a request of the Responses API -> a chat request under way, and what makes items of its
//! outputs.

mod answer;
mod input;
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
use crate::protocol::responses::{ResponseObject, ResponsesRequest, TextOptions};
use crate::protocol::{ChatMessage, ChatRequest};
use crate::{Error, Result};

/// What the fields of a chat request are called here.
const NAMES: Names<'static> = Names {
    starts: &[
        ("response_format.json_schema", "text.format"),
        ("response_format", "text.format"),
        ("max_tokens", "max_output_tokens"),
        ("reasoning_effort", "reasoning.effort"),
        ("messages", "input"),
    ],
    pieces: &[(".function.", "."), (".function", "")],
};

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
        match request.truncation.as_deref() {
            None | Some("disabled") => {}
            Some("auto") => {
                let dropped = self.truncate(&mut chat);
                conversation.places.drain(dropped);
            }
            Some(other) => {
                let message = format!("found `{other}`, expected `auto` or `disabled`");
                return Err(Error::field("truncation", message));
            }
        }
        let (generations, answers) =
            self.chat(&chat).map_err(|error| renamed(error, NAMES, &conversation.places))?;
        let chat = answers.into_iter().next().expect("a request has at least one choice");
        let name = self.name(&generations);
        let started = Started {
            object: self.response_object(request, format!("resp_{}_{name}", secret())),
            conversation: kept,
            store: (request.store != Some(false)).then(|| store.clone()),
            name,
            includes,
        };
        Ok((generations, ResponsesAnswer::new(chat, started)))
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

/// The conversation of the previous response, and the input behind it.
fn conversation(request: &ResponsesRequest, store: &ResponseStore) -> Result<Conversation> {
    let mut conversation = match &request.previous_response_id {
        None => Conversation::default(),
        Some(id) => {
            let messages = store.conversation(id).ok_or_else(|| Error::Refused {
                status: 404,
                message: format!("Previous response with id '{id}' not found."),
                param: Some("previous_response_id".to_owned()),
            })?;
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
        stop: request.stop.clone(),
        ignore_eos: request.ignore_eos,
        skip_special_tokens: request.skip_special_tokens,
        response_format: response_format(request.text.as_ref())?,
        logprobs: Some(includes.logprobs),
        top_logprobs: request.top_logprobs,
        timeout: request.timeout,
        priority: request.priority,
        cache_salt: request.cache_salt.clone(),
        ..ChatRequest::default()
    })
}

/// What makes a name hard to guess: whoever knows the name of a response can read it. The keys of the hasher are the
/// system's random numbers.
fn secret() -> String {
    format!("{:016x}", RandomState::new().hash_one(now()))
}
