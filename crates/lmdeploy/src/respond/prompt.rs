//! A chat request -> the conversation in the chat format, and its ids.

use internlm_model::TokenId;
use internlm_model::chat::openai::{FieldProblem, read_messages, read_tools};
use internlm_model::chat::{FunctionDefinition, Message, Prompt, offer_tools};
use serde_json::Value;

use super::ServedModel;
use crate::protocol::ChatRequest;
use crate::{Error, Result};

impl ServedModel {
    /// The ids that the model gets for a chat request: the conversation, its tools, and the start of the answer.
    ///
    /// # Errors
    /// [`Error::Refused`] with status 400 when the model has no chat format, or the request does not fit it.
    pub fn prompt_ids(&self, request: &ChatRequest) -> Result<Vec<TokenId>> {
        let messages = messages(request)?;
        let Some(template) = &self.template else {
            return Err(Error::field("messages", "this model has no chat format: use /v1/completions"));
        };
        template
            .encode(&self.tokenizer, &messages, Prompt::Generate)
            .map_err(|error| Error::field("messages", error.to_string()))
    }
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
    fn problems_of_fields_are_refusals_with_their_place() {
        let body = json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]});
        let request: ChatRequest = serde_json::from_value(body).expect("a request");
        let error = messages(&request).expect_err("an image");
        let Error::Refused { status: 400, param: Some(place), .. } = &error else { panic!("{error:?}") };
        assert_eq!(place, "messages.0.content.0.type");
        assert!(error.to_string().contains("found `image_url`, expected `text`"), "{error}");
    }
}
