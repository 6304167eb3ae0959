//! A chat request -> the conversation in the chat format, how it ends, and its ids.

mod tool_text;

use internlm_model::TokenId;
use internlm_model::chat::openai::{FieldProblem, read_messages, read_tools};
use internlm_model::chat::{ChatTemplate, FunctionDefinition, Message, Prompt, Role, offer_tools};
use internlm_model::tokenizer::Special;
use serde_json::{Map, Value};

use self::tool_text::{calls_as_text, offer_in};
use super::ServedModel;
use super::effort::{SWITCHES, switch, uses};
use crate::parse::{ReasoningFormat, THINK, THINK_END, ToolFormat, never_opens};
use crate::protocol::{ChatMessage, ChatRequest, MessageRole};
use crate::{Error, Result};

/// Number of ids at the end of a prompt in which a mark and the line ends behind it are looked for.
const MARK_IDS: usize = 32;

impl ServedModel {
    /// The ids that the model gets for a chat request: the conversation, its tools, and the start of the answer.
    ///
    /// A model whose chat template knows no tools is told of them in a system message, and asked to write calls as
    /// [`ToolFormat::Json`] has them. Where the template has no place for calls either, calls and results in the
    /// conversation become ordinary messages.
    ///
    /// # Errors
    /// [`Error::Refused`] with status 400 when the model has no usable chat template, or the request does not fit it.
    pub fn prompt_ids(&self, request: &ChatRequest) -> Result<Vec<TokenId>> {
        let (tools, ending) = (offered(request)?, ending(request)?);
        let mut messages = messages(request)?;
        let template = self.template.as_ref().map_err(|reason| {
            let message = format!("this model cannot chat, its chat template cannot be used: {reason}");
            Error::field("messages", format!("{message}; /v1/completions takes a prompt in any format"))
        })?;
        let is_told = tools.is_empty() || knows(template, "tools");
        self.check_parser(&tools, is_told)?;
        let template = template.with_variables(&self.variables(request, template)).map_err(|error| {
            let asked = request.chat_template_kwargs.is_some();
            Error::field(if asked { "chat_template_kwargs" } else { "enable_thinking" }, error.to_string())
        })?;
        let encode = |messages: &[Message]| {
            template.encode(&self.tokenizer, messages, ending).map_err(|error| {
                let is_tools = matches!(error, internlm_model::Error::NoPlace { what: "tools" });
                Error::field(if is_tools { "tools" } else { "messages" }, error.to_string())
            })
        };
        if is_told {
            offer_tools(&mut messages, &tools);
            return encode(&messages);
        }
        if !knows(&template, "tool_calls") {
            calls_as_text(&mut messages);
        }
        let has_system = messages.iter().any(|message| message.role == Role::System);
        match encode(&offer_in(Role::System, &messages, &tools)) {
            // Some templates have no system message: the first question carries the text then.
            Err(error) if !has_system => encode(&offer_in(Role::User, &messages, &tools)).map_err(|_| error),
            encoded => encoded,
        }
    }

    /// Refuses tools whose calls would not be found in the answer.
    fn check_parser(&self, tools: &[FunctionDefinition], is_told: bool) -> Result<()> {
        let reason = match self.tools {
            _ if tools.is_empty() => return Ok(()),
            ToolFormat::None => "this server looks for no tool calls",
            ToolFormat::Json => return Ok(()),
            _ if is_told => return Ok(()),
            _ => "this model's chat template has no place for tools",
        };
        let found = format!("found the parser `{}`, expected `json`", self.tools.name());
        let remedy = "start the server with --tool-call-parser json";
        Err(Error::field("tools", format!("{reason}: {found}; {remedy}")))
    }

    /// What a request sets in the template. LMDeploy has two fields for one of the variables; the newer one wins.
    ///
    /// Clients turn thinking on or off whatever the model is. A switch by another name is meant as the template's own,
    /// and one for a model that has none is left out, unless the model always thinks and should not: that is refused.
    fn variables(&self, request: &ChatRequest, template: &ChatTemplate) -> Map<String, Value> {
        let mut variables = request.chat_template_kwargs.clone().unwrap_or_default();
        if let Some(thinking) = request.enable_thinking {
            variables.entry("enable_thinking").or_insert(Value::Bool(thinking));
        }
        for name in SWITCHES {
            let Some(&Value::Bool(wanted)) = variables.get(name) else { continue };
            match switch(template) {
                _ if uses(template, name) => {}
                Some(own) => {
                    variables.remove(name);
                    variables.entry(own).or_insert(Value::Bool(wanted));
                }
                None if wanted || self.reasoning == ReasoningFormat::None => {
                    variables.remove(name);
                }
                None => {}
            }
        }
        variables
    }

    /// Whether the answer to `prompt` begins inside of the model's reasoning: the template has begun it, or the model
    /// always reasons first and has no mark for that.
    #[must_use]
    pub fn starts_in_reasoning(&self, request: &ChatRequest, prompt: &[TokenId]) -> bool {
        if self.reasoning == ReasoningFormat::None {
            return false;
        }
        if matches!(ending(request), Ok(Prompt::Continue)) {
            let begun = request.messages.last().map(ChatMessage::text).unwrap_or_default();
            return begun.rfind(THINK) > begun.rfind(THINK_END);
        }
        let tail = &prompt[prompt.len().saturating_sub(MARK_IDS)..];
        let tail = self.tokenizer.decode(tail, Special::Keep);
        let tail = tail.trim_end();
        let always = never_opens(self.template.as_ref().ok(), &self.tokenizer);
        tail.ends_with(THINK) || (always && !tail.ends_with(THINK_END))
    }
}

/// Whether a template has a word; InternLM2's format has a place for everything.
fn knows(template: &ChatTemplate, word: &str) -> bool {
    matches!(template, ChatTemplate::InternLm2) || template.mentions(word)
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

/// The conversation without the tools.
pub(super) fn messages(request: &ChatRequest) -> Result<Vec<Message>> {
    if request.messages.is_empty() {
        if request.input_ids.is_some() {
            return Err(Error::field("input_ids", "found none, expected at least one"));
        }
        return Err(Error::field("messages", "found none, expected at least one"));
    }
    read_messages(&request.messages).map_err(Error::from)
}

/// The functions that the model may see.
pub(super) fn offered(request: &ChatRequest) -> Result<Vec<FunctionDefinition>> {
    let tools = read_tools(request.tools.as_deref().unwrap_or_default())?;
    check_tools(&tools)?;
    let choice = request.tool_choice.as_ref().unwrap_or(&Value::Null);
    let named = match choice {
        Value::Null => return Ok(tools),
        Value::String(choice) if choice == "auto" => return Ok(tools),
        Value::String(choice) if choice == "none" => return Ok(Vec::new()),
        Value::String(choice) if choice == "required" && !tools.is_empty() => return Ok(tools),
        Value::Object(_) if choice["type"] == "function" => choice["function"]["name"].as_str(),
        _ => None,
    };
    if named.is_some_and(|name| tools.iter().any(|tool| tool.name() == name)) {
        return Ok(tools);
    }
    let names = tools.iter().map(|tool| format!("`{}`", tool.name())).collect::<Vec<_>>().join(", ");
    let functions =
        if names.is_empty() { "in a request with tools".to_owned() } else { format!("of {names}") };
    let expected = format!("`auto`, `none`, `required` or the name of a function {functions}");
    Err(Error::field("tool_choice", format!("found {choice}, expected {expected}")))
}

/// Refuses empty names, descriptions that are not text, and parameters that are not a schema.
fn check_tools(tools: &[FunctionDefinition]) -> Result<()> {
    for (index, tool) in tools.iter().enumerate() {
        if tool.name().is_empty() {
            let place = format!("tools.{index}.function.name");
            return Err(Error::field(place, "found an empty string, expected a name"));
        }
        let (name, expected, found) = match (tool.as_map().get("description"), tool.parameters()) {
            (Some(found), _) if !found.is_string() && !found.is_null() => ("description", "a string", found),
            (_, Some(found)) if !found.is_object() => ("parameters", "an object", found),
            _ => continue,
        };
        let found = match found {
            Value::Array(_) => "a list".to_owned(),
            Value::String(_) => "a string".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            other => other.to_string(),
        };
        let place = format!("tools.{index}.function.{name}");
        return Err(Error::field(place, format!("found {found}, expected {expected}")));
    }
    Ok(())
}

impl From<FieldProblem> for Error {
    fn from(problem: FieldProblem) -> Self {
        Self::field(problem.place, format!("found {}, expected {}", problem.found, problem.expected))
    }
}

#[cfg(test)]
mod tests;
