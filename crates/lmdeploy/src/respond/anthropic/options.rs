//! Fields of a request that a chat request has in another form: tools, thinking, the format of the text.

use serde_json::{Map, Value, json};

use super::super::ServedModel;
use super::super::effort::uses;
use super::super::raw_object::RawObject;
use crate::parse::ReasoningFormat;
use crate::protocol::anthropic::{MessagesRequest, OutputConfig};
use crate::protocol::{FunctionDefinition, ResponseFormat, ToolDefinition};
use crate::{Error, Result};

/// Variables by which chat templates turn thinking on and off; the first one that a template uses counts.
const SWITCHES: [&str; 2] = ["enable_thinking", "thinking"];
/// Keys of a tool that the model is not shown: what it is called by, and how Anthropic's servers treat it.
const NOT_SHOWN: [&str; 6] =
    ["type", "input_schema", "cache_control", "defer_loading", "eager_input_streaming", "allowed_callers"];

/// The functions that the model may call.
pub(super) fn tools(request: &MessagesRequest) -> Result<Option<Vec<ToolDefinition>>> {
    let Some(tools) = &request.tools else { return Ok(None) };
    let read = tools.iter().enumerate();
    let read = read.map(|(index, tool)| function(&RawObject::new(tool, format!("tools.{index}"))));
    read.collect::<Result<Vec<_>>>().map(Some)
}

/// A function, with its keys in OpenAI's words.
fn function(tool: &RawObject<'_>) -> Result<ToolDefinition> {
    if !["", "custom"].contains(&tool.kind()) {
        return Err(tool.wrong("type", "`custom`: this server has no tools of its own"));
    }
    if tool.is_true("defer_loading")? {
        return Err(tool.wrong("defer_loading", "false: this server does not search for tools"));
    }
    let mut keys = Map::from_iter([("name".to_owned(), Value::from(tool.name()?))]);
    if let Some(description) = tool.optional_text("description")? {
        keys.insert("description".to_owned(), Value::from(description));
    }
    keys.insert("parameters".to_owned(), Value::Object(tool.object("input_schema")?.clone()));
    for (key, value) in tool.without(&NOT_SHOWN) {
        keys.entry(key).or_insert(value);
    }
    let definition = FunctionDefinition::try_from(keys);
    Ok(definition.map_err(|message| Error::field(tool.place(), message))?.into())
}

/// The choice in OpenAI's words, and whether there may be several calls.
pub(super) fn tool_choice(request: &MessagesRequest) -> Result<(Option<Value>, Option<bool>)> {
    let Some(choice) = &request.tool_choice else { return Ok((None, None)) };
    let object = RawObject::new(choice, "tool_choice");
    let choice = match object.kind() {
        "auto" => json!("auto"),
        "any" => json!("required"),
        "none" => json!("none"),
        "tool" => json!({"type": "function", "function": {"name": object.text("name")?}}),
        _ => return Err(object.wrong("type", "`auto`, `any`, `tool` or `none`")),
    };
    let one = object.is_true("disable_parallel_tool_use")?;
    Ok((Some(choice), one.then_some(false)))
}

/// The format of the text; none for plain text.
pub(super) fn response_format(config: &OutputConfig) -> Result<Option<ResponseFormat>> {
    let Some(format) = &config.format else { return Ok(None) };
    let object = RawObject::new(format, "output_config.format");
    if object.kind() != "json_schema" {
        return Err(object.wrong("type", "`json_schema`"));
    }
    let schema = object.object("schema")?;
    let format = json!({"type": "json_schema", "json_schema": {"name": "output", "schema": schema}});
    let read =
        serde_json::from_value(format).map_err(|error| Error::field(object.place(), error.to_string()))?;
    Ok(Some(read))
}

/// The variables of the chat template, with the one that turns thinking on or off.
///
/// The number of `budget_tokens` is what the model should aim at in Anthropic's API, and not a limit: it is passed over.
pub(super) fn template_variables(
    request: &MessagesRequest,
    model: &ServedModel,
) -> Result<Option<Map<String, Value>>> {
    let Some(thinking) = &request.thinking else { return Ok(request.chat_template_kwargs.clone()) };
    let object = RawObject::new(thinking, "thinking");
    let (wanted, needed) = match object.kind() {
        "enabled" => (true, true),
        "adaptive" => (true, false),
        "disabled" => (false, true),
        _ => return Err(object.wrong("type", "`enabled`, `adaptive` or `disabled`")),
    };
    if object.optional_text("display")?.is_some_and(|display| display != "summarized") {
        return Err(object.wrong("display", "`summarized`: thoughts are answered as they are"));
    }
    let mut variables = request.chat_template_kwargs.clone().unwrap_or_default();
    let template = model.template.as_ref().ok();
    let thinks = !matches!(model.reasoning, ReasoningFormat::None);
    match SWITCHES.into_iter().find(|name| template.is_some_and(|template| uses(template, name))) {
        Some(name) => {
            variables.entry(name).or_insert(Value::Bool(wanted));
        }
        None if needed && wanted != thinks => {
            let (expected, always) = if thinks { ("enabled", "always") } else { ("disabled", "never") };
            return Err(object.wrong("type", &format!("`{expected}`: this model {always} thinks")));
        }
        None => {}
    }
    Ok(Some(variables))
}

#[cfg(test)]
mod tests;
