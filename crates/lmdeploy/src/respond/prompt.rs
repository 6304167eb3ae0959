//! A chat request -> the conversation in the chat format, how it ends, and its ids.

use internlm_model::TokenId;
use internlm_model::chat::openai::{FieldProblem, read_messages, read_tools};
use internlm_model::chat::{FunctionDefinition, Message, Prompt, offer_tools};
use serde_json::{Map, Value};

use super::ServedModel;
use crate::protocol::{ChatMessage, ChatRequest, MessageRole};
use crate::{Error, Result};

impl ServedModel {
    /// The ids that the model gets for a chat request: the conversation, its tools, and the start of the answer.
    ///
    /// # Errors
    /// [`Error::Refused`] with status 400 when the model has no usable chat template, or the request does not fit it.
    pub fn prompt_ids(&self, request: &ChatRequest) -> Result<Vec<TokenId>> {
        let (messages, ending) = (messages(request)?, ending(request)?);
        let template = self.template.as_ref().map_err(|reason| {
            let message = format!("this model cannot chat, its chat template cannot be used: {reason}");
            Error::field("messages", format!("{message}; /v1/completions takes a prompt in any format"))
        })?;
        let template = template.with_variables(&variables(request)).map_err(|error| {
            let asked = request.chat_template_kwargs.is_some();
            Error::field(if asked { "chat_template_kwargs" } else { "enable_thinking" }, error.to_string())
        })?;
        template.encode(&self.tokenizer, &messages, ending).map_err(|error| {
            let is_tools = matches!(error, internlm_model::Error::NoPlace { what: "tools" });
            Error::field(if is_tools { "tools" } else { "messages" }, error.to_string())
        })
    }
}

/// What a request sets in the template. LMDeploy has two fields for one of the variables; the newer one wins.
fn variables(request: &ChatRequest) -> Map<String, Value> {
    let mut variables = request.chat_template_kwargs.clone().unwrap_or_default();
    if let Some(thinking) = request.enable_thinking {
        variables.entry("enable_thinking").or_insert(Value::Bool(thinking));
    }
    variables
}

/// How the prompt ends: with the start of an answer, inside of the last message, or behind it.
///
/// As upstream, text of the assistant at the end of a conversation is the beginning of its answer
/// (`lmdeploy/model.py`). The two fields are vLLM's.
pub(super) fn ending(request: &ChatRequest) -> Result<Prompt> {
    let last = request.messages.last();
    match (request.continue_final_message, request.add_generation_prompt) {
        (Some(true), Some(true)) => Err(Error::field(
            "continue_final_message",
            "found true together with `add_generation_prompt: true`, expected only one of them",
        )),
        (Some(true), _) if last.is_none_or(|message| message.role != MessageRole::Assistant) => {
            Err(Error::field(
                "continue_final_message",
                "found true, expected the last message to have the role `assistant`",
            ))
        }
        (Some(true), _) => Ok(Prompt::Continue),
        (None, None | Some(false)) if last.is_some_and(is_begun_answer) => Ok(Prompt::Continue),
        (_, Some(false)) => Ok(Prompt::None),
        (_, None | Some(true)) => Ok(Prompt::Generate),
    }
}

/// Whether a message is text of the assistant that can be continued.
fn is_begun_answer(message: &ChatMessage) -> bool {
    let calls = !message.calls().is_empty() || message.function_call.is_some();
    message.role == MessageRole::Assistant && !calls && !message.text().is_empty()
}

/// The conversation with the tools behind the leading system messages.
pub(super) fn messages(request: &ChatRequest) -> Result<Vec<Message>> {
    if request.messages.is_empty() {
        return Err(Error::field("messages", "found none, expected at least one"));
    }
    let mut messages = read_messages(&request.messages)?;
    offer_tools(&mut messages, &offered(request)?);
    Ok(messages)
}

/// The functions that the model may see.
fn offered(request: &ChatRequest) -> Result<Vec<FunctionDefinition>> {
    let hidden = match &request.tool_choice {
        None | Some(Value::Null) => false,
        Some(Value::String(choice)) if choice == "auto" => false,
        Some(Value::String(choice)) if choice == "none" => true,
        Some(other) => {
            return Err(Error::field("tool_choice", format!("found {other}, expected `auto` or `none`")));
        }
    };
    let tools = request.tools.as_deref().unwrap_or_default();
    Ok(if hidden { Vec::new() } else { read_tools(tools)? })
}

impl From<FieldProblem> for Error {
    fn from(problem: FieldProblem) -> Self {
        Self::field(problem.place, format!("found {}, expected {}", problem.found, problem.expected))
    }
}

#[cfg(test)]
mod tests;
