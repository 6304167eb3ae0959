//! Fields of a request that a chat request has in another form: format, tools, what is included.

use serde_json::{Value, json};

use super::super::raw_object::RawObject;
use crate::protocol::responses::{ResponsesRequest, TextOptions};
use crate::protocol::{FunctionDefinition, ResponseFormat, ToolDefinition};
use crate::{Error, Result};

/// What reasoning begins with in `encrypted_content`: it is not encrypted, and says so.
pub(super) const PLAIN: &str = "plain:";

/// What a response contains in addition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Includes {
    /// Log-probabilities of the text.
    pub(super) logprobs: bool,
    /// The reasoning once more, for clients that send only this field back.
    pub(super) encrypted: bool,
}

/// Values of `include` that ask for something.
const LOGPROBS: &str = "message.output_text.logprobs";
const ENCRYPTED: &str = "reasoning.encrypted_content";
/// Values of `include` about items that a response of this server never has.
const ABSENT: [&str; 7] = [
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "web_search_call.action.sources",
    "web_search_call.results",
    "mcp_call.output",
];

impl Includes {
    /// What a request includes.
    pub(super) fn of(request: &ResponsesRequest) -> Result<Self> {
        let mut includes =
            Self { logprobs: request.top_logprobs.is_some_and(|top| top > 0), encrypted: false };
        for (index, name) in request.include.iter().flatten().enumerate() {
            match name.as_str() {
                LOGPROBS => includes.logprobs = true,
                ENCRYPTED => includes.encrypted = true,
                name if ABSENT.contains(&name) => {}
                other => {
                    let message = format!("found `{other}`, expected `{LOGPROBS}` or `{ENCRYPTED}`");
                    return Err(Error::field(format!("include.{index}"), message));
                }
            }
        }
        Ok(includes)
    }
}

/// The format of the text; none for plain text.
pub(super) fn response_format(text: Option<&TextOptions>) -> Result<Option<ResponseFormat>> {
    let Some(format) = text.and_then(|text| text.format.as_ref()) else { return Ok(None) };
    let object = RawObject::new(format, "text.format");
    let format = match object.kind() {
        "text" => return Ok(None),
        "json_object" => json!({"type": "json_object"}),
        "json_schema" => {
            object.text("name")?;
            object.object("schema")?;
            json!({"type": "json_schema", "json_schema": object.without(&["type"])})
        }
        _ => return Err(object.wrong("type", "`text`, `json_object` or `json_schema`")),
    };
    let read =
        serde_json::from_value(format).map_err(|error| Error::field(object.place(), error.to_string()))?;
    Ok(Some(read))
}

/// The functions that the model may call, and which of them it has to call.
pub(super) fn tools_and_choice(
    request: &ResponsesRequest,
) -> Result<(Option<Vec<ToolDefinition>>, Option<Value>)> {
    let mut tools = None;
    if let Some(sent) = &request.tools {
        let read = sent.iter().enumerate();
        let read = read.map(|(index, tool)| function(&RawObject::new(tool, format!("tools.{index}"))));
        tools = Some(read.collect::<Result<Vec<_>>>()?);
    }
    let Some(choice) = request.tool_choice.as_ref().filter(|choice| !choice.is_null()) else {
        return Ok((tools, None));
    };
    let Value::Object(fields) = choice else { return Ok((tools, Some(choice.clone()))) };
    let object = RawObject::new(fields, "tool_choice");
    match object.kind() {
        "function" => {
            let choice = json!({"type": "function", "function": {"name": object.text("name")?}});
            Ok((tools, Some(choice)))
        }
        "allowed_tools" => {
            let mode = object.text("mode")?;
            if !["auto", "required"].contains(&mode) {
                return Err(object.wrong("mode", "`auto` or `required`"));
            }
            let allowed = allowed(&object, tools.as_deref().unwrap_or_default())?;
            Ok((Some(allowed), Some(Value::from(mode))))
        }
        _ => Err(object.wrong("type", "`function` or `allowed_tools`: this server has no tools of its own")),
    }
}

/// A function, as OpenAI writes it here: without the object around it.
fn function(tool: &RawObject<'_>) -> Result<ToolDefinition> {
    if tool.kind() != "function" {
        return Err(tool.wrong("type", "`function`: this server has no tools of its own"));
    }
    tool.name()?;
    tool.optional_text("description")?;
    if tool.get("parameters").is_some() {
        tool.object("parameters")?;
    }
    if tool.is_true("defer_loading")? {
        return Err(tool.wrong("defer_loading", "false: this server does not search for tools"));
    }
    let definition = FunctionDefinition::try_from(tool.without(&["type", "defer_loading"]));
    Ok(definition.map_err(|message| Error::field(tool.place(), message))?.into())
}

/// Those of `tools` that the list of a `tool_choice` names.
fn allowed(choice: &RawObject<'_>, tools: &[ToolDefinition]) -> Result<Vec<ToolDefinition>> {
    let Some(Value::Array(list)) = choice.get("tools") else {
        return Err(choice.wrong("tools", "a list of functions"));
    };
    let mut allowed = Vec::with_capacity(list.len());
    for named in choice.objects("tools", list)? {
        if named.kind() != "function" {
            return Err(named.wrong("type", "`function`: this server has no tools of its own"));
        }
        let name = named.text("name")?;
        let tool = tools.iter().find(|tool| tool.function.name() == name);
        let tool = tool.ok_or_else(|| named.wrong("name", "the name of one of the request's `tools`"))?;
        allowed.push(tool.clone());
    }
    Ok(allowed)
}

#[cfg(test)]
mod tests;
