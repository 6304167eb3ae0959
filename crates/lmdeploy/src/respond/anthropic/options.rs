//! Fields of a request that a chat request has in another form: tools, thinking, the format of the text.

use serde_json::{Map, Value, json};

use super::super::ServedModel;
use super::super::effort::{switch, uses};
use super::super::raw_object::RawObject;
use crate::parse::ReasoningFormat;
use crate::protocol::anthropic::{MessagesRequest, OutputConfig};
use crate::protocol::{FunctionDefinition, ResponseFormat, ToolDefinition};
use crate::{Error, Result};

/// The variable of templates that take an effort as it is.
const EFFORT: &str = "reasoning_effort";
/// The effort that Anthropic's API has by default.
const DEFAULT_EFFORT: &str = "high";
/// The least number of tokens that a model can be told to think with.
const LEAST_BUDGET: f64 = 1024.0;
/// The edit of a conversation that leaves out older thoughts.
const CLEAR_THINKING: &str = "clear_thinking_20251015";
/// The way to show thoughts by which they are not shown.
const OMITTED: &str = "omitted";
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
    if tool.optional_text("type")?.is_some_and(|kind| kind != "custom") {
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

/// Whether the client does not want to see what the model thinks.
pub(super) fn omits_thoughts(request: &MessagesRequest) -> bool {
    let display = request.thinking.as_ref().and_then(|thinking| thinking.get("display"));
    display.is_some_and(|display| display == OMITTED)
}

/// The effort in the words of a chat request. A template that cannot be told needs not be told the default.
pub(super) fn effort(config: &OutputConfig, model: &ServedModel) -> Option<String> {
    let is_told = model.template.as_ref().is_ok_and(|template| uses(template, EFFORT));
    config.effort.clone().filter(|effort| is_told || effort != DEFAULT_EFFORT)
}

/// Refuses edits that leave out parts of the conversation, which this server does not do.
pub(super) fn check_context(request: &MessagesRequest) -> Result<()> {
    let Some(context) = &request.context_management else { return Ok(()) };
    let object = RawObject::new(context, "context_management");
    let edits = match object.get("edits") {
        None => return Ok(()),
        Some(Value::Array(edits)) => object.objects("edits", edits)?,
        Some(_) => return Err(object.wrong("edits", "a list of edits")),
    };
    for edit in edits {
        if edit.kind() != CLEAR_THINKING {
            let expected = format!("`{CLEAR_THINKING}`: this server leaves out nothing of a conversation");
            return Err(edit.wrong("type", &expected));
        }
        if edit.get("keep").and_then(Value::as_str) != Some("all") {
            return Err(edit.wrong("keep", "`all`: this server leaves out nothing of a conversation"));
        }
    }
    Ok(())
}

/// Refuses a number of tokens to think with that Anthropic's API does not take either.
fn check_budget(thinking: &RawObject<'_>, max_tokens: Option<u32>) -> Result<()> {
    let budget = thinking.get("budget_tokens").and_then(Value::as_f64);
    let limit = max_tokens.map_or(f64::INFINITY, f64::from);
    match budget {
        Some(budget) if budget.fract() == 0.0 && budget >= LEAST_BUDGET && budget < limit => Ok(()),
        _ => Err(thinking.wrong("budget_tokens", "a whole number of at least 1024 and below `max_tokens`")),
    }
}

/// The maximum number of ids to think with, which [`template_variables`] has checked. A model that is not known to reason
/// keeps within every limit.
pub(super) fn thinking_budget(request: &MessagesRequest, model: &ServedModel) -> Option<i64> {
    let thinking = RawObject::new(request.thinking.as_ref()?, "thinking");
    let is_limited = thinking.kind() == "enabled" && model.reasoning != ReasoningFormat::None;
    // A whole number.
    thinking.get("budget_tokens").filter(|_| is_limited)?.as_f64().map(|budget| budget as i64)
}

/// The variables of the chat template, with the one that turns thinking on or off. All that `thinking` says is checked.
pub(super) fn template_variables(
    request: &MessagesRequest,
    model: &ServedModel,
) -> Result<Option<Map<String, Value>>> {
    let Some(thinking) = &request.thinking else { return Ok(request.chat_template_kwargs.clone()) };
    let object = RawObject::new(thinking, "thinking");
    let wanted = match object.kind() {
        // Leave to think, which a model may or may not take.
        "enabled" | "adaptive" => true,
        "disabled" => false,
        _ => return Err(object.wrong("type", "`enabled`, `adaptive` or `disabled`")),
    };
    if object.optional_text("display")?.is_some_and(|display| !["summarized", OMITTED].contains(&display)) {
        let expected = "`summarized`, by which thoughts are answered as they are, or `omitted`";
        return Err(object.wrong("display", expected));
    }
    if object.kind() == "enabled" {
        check_budget(&object, request.max_tokens)?;
    }
    let mut variables = request.chat_template_kwargs.clone().unwrap_or_default();
    let template = model.template.as_ref().ok();
    let thinks = !matches!(model.reasoning, ReasoningFormat::None);
    match template.and_then(switch) {
        Some(name) => {
            variables.entry(name).or_insert(Value::Bool(wanted));
        }
        None if thinks && !wanted => {
            return Err(object.wrong("type", "`enabled`: this model always thinks"));
        }
        None => {}
    }
    Ok(Some(variables))
}

#[cfg(test)]
mod tests;
