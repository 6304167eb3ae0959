//! A chat request -> the conversation in the chat format, how it ends, and its ids.

use internlm_model::TokenId;
use internlm_model::chat::openai::{FieldProblem, read_messages, read_tools};
use internlm_model::chat::{FunctionDefinition, Message, Prompt, offer_tools};
use serde_json::Value;

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
        template
            .encode(&self.tokenizer, &messages, ending)
            .map_err(|error| Error::field("messages", error.to_string()))
    }
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
mod tests {
    use internlm_model::chat::ChatTemplate;
    use serde_json::json;

    use super::*;

    #[test]
    fn tool_choice_none_hides_the_tools() {
        let body = json!({
            "messages": [{"role": "user", "content": "hi"}],
            "tools": [{"type": "function", "function": {"name": "add"}}],
        });
        let render = |choice: &str| {
            let mut request: ChatRequest = serde_json::from_value(body.clone()).expect("a request");
            request.tool_choice = Some(choice.into());
            let messages = messages(&request).expect("fits the format");
            ChatTemplate::InternLm2.render(&messages, Prompt::None).expect("renders")
        };
        let user = "<|im_start|>user\nhi<|im_end|>\n";
        assert_eq!(render("none"), format!("<s>{user}"));
        let tools = "<|im_start|>system name=<|plugin|>\n[{\"name\": \"add\"}]<|im_end|>\n";
        assert_eq!(render("auto"), format!("<s>{tools}{user}"));
    }

    #[test]
    fn the_end_of_the_prompt_is_what_the_fields_and_the_last_message_say() {
        let ending = |last: serde_json::Value, fields: serde_json::Value| {
            let mut body = json!({"messages": [{"role": "user", "content": "hi"}, last]});
            for (name, value) in fields.as_object().expect("an object") {
                body[name] = value.clone();
            }
            let request: ChatRequest = serde_json::from_value(body).expect("a request");
            super::ending(&request).map_err(|error| error.to_string())
        };
        let user = json!({"role": "user", "content": "there"});
        let begun = json!({"role": "assistant", "content": "The capital"});
        let parts = json!({"role": "assistant", "content": [{"type": "text", "text": "The"}]});
        let empty = json!({"role": "assistant", "content": ""});
        let calls = json!([{"function": {"name": "add"}}]);
        let call = json!({"role": "assistant", "content": "a", "tool_calls": calls});
        let fields = |begins: Option<bool>, continues: Option<bool>| json!({"add_generation_prompt": begins, "continue_final_message": continues});
        let (yes, no) = (Some(true), Some(false));
        for (last, fields, expected) in [
            (&user, fields(None, None), Prompt::Generate),
            (&user, fields(yes, no), Prompt::Generate),
            (&user, fields(no, None), Prompt::None),
            (&begun, fields(None, None), Prompt::Continue),
            (&parts, fields(None, None), Prompt::Continue),
            (&begun, fields(no, None), Prompt::Continue),
            (&begun, fields(None, yes), Prompt::Continue),
            (&begun, fields(no, yes), Prompt::Continue),
            (&begun, fields(yes, None), Prompt::Generate),
            (&begun, fields(None, no), Prompt::Generate),
            (&begun, fields(no, no), Prompt::None),
            (&empty, fields(None, None), Prompt::Generate),
            (&call, fields(None, None), Prompt::Generate),
        ] {
            assert_eq!(ending(last.clone(), fields.clone()), Ok(expected), "{last} {fields}");
        }
        for (last, fields, words) in [
            (begun, fields(yes, yes), "together with `add_generation_prompt: true`"),
            (user, fields(None, yes), "the role `assistant`"),
        ] {
            let error = ending(last, fields).expect_err("is refused");
            assert!(error.starts_with("continue_final_message: found true"), "{error}");
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn problems_of_fields_are_refusals_with_their_place() {
        let body = json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]});
        let request: ChatRequest = serde_json::from_value(body).expect("a request");
        let error = messages(&request).expect_err("an image");
        let Error::Refused { status: 400, param: Some(place), .. } = &error else { panic!("{error:?}") };
        assert_eq!(place, "messages.0.content.0.type");
        assert!(error.to_string().contains("found `image_url`, expected `text`"), "{error}");
    }
}
