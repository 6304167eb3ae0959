//! [`with_allowed_tools`]: a `tool_choice` that lists allowed tools -> a request that offers only these.

use std::borrow::Cow;

use serde_json::Value;

use super::raw_object::RawObject;
use crate::protocol::{ChatRequest, FunctionDefinition, ToolDefinition};
use crate::{Error, Result};

/// The request with the allowed tools as all of its tools, and with the mode of the list as its choice. A request
/// without `tools` defines them in the list itself, as LMDeploy takes it.
///
/// # Errors
/// [`Error::Refused`] for a list that cannot be read, or that names a function the request does not have.
pub(super) fn with_allowed_tools(request: &ChatRequest) -> Result<Cow<'_, ChatRequest>> {
    let Some(Value::Object(choice)) = &request.tool_choice else { return Ok(Cow::Borrowed(request)) };
    let choice = RawObject::new(choice, "tool_choice");
    if choice.kind() != "allowed_tools" {
        return Ok(Cow::Borrowed(request));
    }
    let allowed = RawObject::new(choice.object("allowed_tools")?, choice.inside("allowed_tools"));
    let mode = allowed.text("mode")?;
    if !["auto", "required"].contains(&mode) {
        return Err(allowed.wrong("mode", "`auto` or `required`"));
    }
    let Some(Value::Array(list)) = allowed.get("tools") else {
        return Err(allowed.wrong("tools", "a list of functions"));
    };
    let known = request.tools.as_deref().unwrap_or_default();
    let listed = allowed.objects("tools", list)?;
    let tools = listed.iter().map(|listed| tool(listed, known)).collect::<Result<Vec<_>>>()?;
    let tool_choice = Some(Value::from(mode));
    Ok(Cow::Owned(ChatRequest { tools: Some(tools), tool_choice, ..request.clone() }))
}

/// The tool of the request that an entry of the list names, or the one that the entry defines.
fn tool(listed: &RawObject<'_>, known: &[ToolDefinition]) -> Result<ToolDefinition> {
    if listed.kind() != "function" {
        return Err(listed.wrong("type", "`function`: this server has no tools of its own"));
    }
    // The Responses API writes the name without an object around it.
    let function = match listed.get("function") {
        Some(_) => RawObject::new(listed.object("function")?, listed.inside("function")),
        None => listed.clone(),
    };
    let name = function.name()?;
    if known.is_empty() {
        let definition = FunctionDefinition::try_from(function.without(&["type"]));
        return Ok(definition.map_err(|message| Error::field(listed.place(), message))?.into());
    }
    let tool = known.iter().find(|tool| tool.function.name() == name).cloned();
    tool.ok_or_else(|| function.wrong("name", "the name of one of the request's `tools`"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(tools: &Value, mode: &str, list: &Value) -> Result<ChatRequest> {
        let choice = json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list}});
        let body = json!({"messages": [], "tools": tools, "tool_choice": choice});
        let request: ChatRequest = serde_json::from_value(body).expect("a request");
        with_allowed_tools(&request).map(Cow::into_owned)
    }

    fn tool_named(name: &str) -> Value {
        json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}})
    }

    fn names(request: &ChatRequest) -> Vec<&str> {
        request.tools.iter().flatten().map(|tool| tool.function.name()).collect()
    }

    #[test]
    fn only_the_listed_tools_are_offered() {
        let tools = json!([tool_named("a"), tool_named("b"), tool_named("c")]);
        let list =
            json!([{"type": "function", "function": {"name": "c"}}, {"type": "function", "name": "a"}]);
        let request = with(&tools, "required", &list).expect("a request");
        assert_eq!((names(&request), &request.tool_choice), (vec!["c", "a"], &Some(json!("required"))));
        let parameters = request.tools.iter().flatten().next().and_then(|tool| tool.function.parameters());
        assert_eq!(parameters, Some(&json!({"type": "object"})), "the definition is the request's");
        let defining = with(&Value::Null, "auto", &json!([tool_named("d")])).expect("a request");
        assert_eq!((names(&defining), &defining.tool_choice), (vec!["d"], &Some(json!("auto"))));
    }

    #[test]
    fn other_choices_stay_and_wrong_lists_are_refused_by_place() {
        let plain = ChatRequest { tool_choice: Some(json!("auto")), ..ChatRequest::new([]) };
        assert!(matches!(with_allowed_tools(&plain), Ok(Cow::Borrowed(_))));
        let tools = json!([tool_named("a")]);
        let unknown = json!([{"type": "function", "function": {"name": "x"}}]);
        for (mode, list, expected) in [
            (
                "auto",
                &unknown,
                "tool_choice.allowed_tools.tools.0.function.name: found `x`, expected the name",
            ),
            ("none", &unknown, "tool_choice.allowed_tools.mode: found `none`, expected `auto` or `required`"),
            ("auto", &json!("a"), "tool_choice.allowed_tools.tools: found `a`, expected a list of functions"),
            ("auto", &json!([{"type": "mcp"}]), "tool_choice.allowed_tools.tools.0.type: found `mcp`"),
        ] {
            let error = with(&tools, mode, list).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
