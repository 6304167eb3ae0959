//! [`Responder::messages`]: a request of Anthropic's API -> a chat request under way, and what makes blocks of its
//! outputs.

mod answer;
mod blocks;
mod input;
mod options;

pub use answer::MessagesAnswer;

use serde_json::{Map, Value};

use self::input::Conversation;
use self::options::{
    check_context, effort, omits_thoughts, response_format, template_variables, thinking_budget, tool_choice,
    tools,
};
use super::renamed::{Names, renamed};
use super::{Responder, ServedModel};
use crate::engine::Generation;
use crate::protocol::anthropic::{MessageObject, MessageUsage, MessagesRequest, TokenCount};
use crate::protocol::{ChatRequest, OneOrMany};
use crate::{Error, Result};

/// What the fields of a chat request are called here.
const NAMES: Names<'static> = Names {
    starts: &[
        ("response_format.json_schema", "output_config.format"),
        ("response_format", "output_config.format"),
        ("reasoning_effort", "output_config.effort"),
        ("thinking_token_budget", "thinking.budget_tokens"),
        ("stop", "stop_sequences"),
        ("continue_final_message", "messages"),
    ],
    pieces: &[(".function.parameters", ".input_schema"), (".function.", "."), (".function", "")],
};

impl Responder {
    /// Starts a message: one generation, and what turns its outputs into events or a whole message.
    ///
    /// # Errors
    /// [`Error::Refused`] when the request is wrong. A full queue or a failing model show in the outputs.
    pub fn messages(&self, request: &MessagesRequest) -> Result<(Vec<Generation>, MessagesAnswer)> {
        self.check_model(&request.model)?;
        if request.max_tokens.is_none_or(|tokens| tokens == 0) {
            let found = request.max_tokens.map_or_else(|| "nothing".to_owned(), |tokens| tokens.to_string());
            return Err(Error::field("max_tokens", format!("found {found}, expected at least 1")));
        }
        let (chat, places) = chat_request(request, self.model())?;
        let (generations, answers) = self.chat(&chat).map_err(|error| renamed(error, NAMES, &places))?;
        let chat = answers.into_iter().next().expect("a request has at least one choice");
        let name = self.name(&generations);
        let message = MessageObject {
            id: format!("msg_{name}"),
            kind: "message".to_owned(),
            role: "assistant".to_owned(),
            model: self.model().name.clone(),
            usage: MessageUsage { input_tokens: chat.prompt_tokens() as u64, ..MessageUsage::default() },
            ..MessageObject::default()
        };
        let answer = MessagesAnswer::new(chat, message);
        Ok((generations, if omits_thoughts(request) { answer.without_thoughts() } else { answer }))
    }

    /// Counts the tokens of a request's prompt, and generates nothing.
    ///
    /// # Errors
    /// [`Error::Refused`] when the request is wrong.
    pub fn count_message_tokens(&self, request: &MessagesRequest) -> Result<TokenCount> {
        self.check_model(&request.model)?;
        let (chat, places) = chat_request(request, self.model())?;
        let length = self.prompt_length(&chat).map_err(|error| renamed(error, NAMES, &places))?;
        Ok(TokenCount { input_tokens: length as u64 })
    }
}

/// The chat request that asks for the same, and where its messages come from.
fn chat_request(request: &MessagesRequest, model: &ServedModel) -> Result<(ChatRequest, Vec<String>)> {
    if let Some(temperature) = request.temperature.filter(|temperature| !(0.0..=1.0).contains(temperature)) {
        return Err(Error::field("temperature", format!("found {temperature}, expected a number in [0, 1]")));
    }
    check_context(request)?;
    let conversation = Conversation::read(request)?;
    let (tool_choice, parallel_tool_calls) = tool_choice(request)?;
    let variables = template_variables(request, model)?;
    check_told(request, variables.as_ref())?;
    let config = request.output_config.clone().unwrap_or_default();
    let chat = ChatRequest {
        model: request.model.clone(),
        continue_final_message: conversation.is_begun_answer().then_some(true),
        messages: conversation.messages,
        input_ids: request.input_ids.clone(),
        tools: tools(request)?,
        tool_choice,
        parallel_tool_calls,
        chat_template_kwargs: variables,
        thinking_token_budget: thinking_budget(request, model),
        reasoning_effort: effort(&config, model),
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        seed: request.seed,
        max_tokens: request.max_tokens,
        stop: request.stop_sequences.clone().map(OneOrMany::Many),
        include_stop_str_in_output: request.include_stop_str_in_output,
        response_format: response_format(&config)?,
        return_token_ids: request.return_token_ids,
        return_logprob: request.return_logprob,
        timeout: request.timeout,
        priority: request.priority,
        cache_salt: request.cache_salt.clone(),
        ..ChatRequest::default()
    };
    Ok((chat, conversation.places))
}

/// Refuses thinking that the model can only be told of in a prompt that this server writes. `variables` are those of the
/// chat template.
fn check_told(request: &MessagesRequest, variables: Option<&Map<String, Value>>) -> Result<()> {
    let is_of_ids = request.input_ids.as_ref().is_some_and(|ids| !ids.is_empty());
    let is_told = variables.is_some_and(|variables| !variables.is_empty());
    // Variables of the request itself are refused by their own name.
    if is_of_ids && is_told && request.chat_template_kwargs.is_none() {
        let message = "expected the field to be absent: `input_ids` are the whole prompt";
        return Err(Error::field("thinking", message));
    }
    Ok(())
}
