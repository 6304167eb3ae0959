//! From a call as the model wrote it to a tool and its arguments, by the letter as upstream's `ActionExecutor` or in
//! a tolerant way.

use serde_json::Value;

use super::{CallRequest, ErrorMode, repr};
use crate::action::{ToolInput, ToolSpec};

/// Lagent's error message for an unknown tool (`InvalidAction`).
const INVALID_ACTION: &str = "The action is invalid, please check the action name.";
/// Lagent's name of the call that stands for a reply without an action, and its message.
const NO_ACTION: (&str, &str) = ("NoAction", "Please follow the format");
/// The method of a tool that is not a toolkit.
const RUN: &str = "run";

/// A call whose tool was looked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resolved {
    /// Name of the tool, or of what the model asked for.
    pub(crate) name: String,
    /// The arguments as the tool takes them.
    pub(crate) arguments: Value,
    /// The text that the model reads if the call cannot be made.
    pub(crate) problem: Option<String>,
}

/// Finds the tool of a call and checks the arguments.
pub(super) fn resolve(tools: &[ToolSpec], request: CallRequest, errors: ErrorMode) -> Resolved {
    match errors {
        ErrorMode::Compat => by_the_letter(tools, request),
        ErrorMode::Fixed => tolerant(tools, request),
    }
}

/// Names that differ only in the case of letters are understood, and so is a bare text for the only required
/// parameter.
fn tolerant(tools: &[ToolSpec], request: CallRequest) -> Resolved {
    let CallRequest { name, arguments, .. } = request;
    let Some(tool) = find(tools, &name) else {
        let problem = Some(unknown_tool(tools, &name));
        return Resolved { name, arguments, problem };
    };
    let read = match &arguments {
        Value::String(input) if tool.input == ToolInput::Tuple => tool.parse(input),
        _ => {
            let read = tool.arguments(arguments.clone());
            tool.argument_error(&read).map_or(Ok(read), Err)
        }
    };
    resolved(tool, arguments, read)
}

fn resolved(tool: &ToolSpec, given: Value, read: Result<Value, String>) -> Resolved {
    let name = tool.name.clone();
    match read {
        Ok(arguments) => Resolved { name, arguments, problem: None },
        Err(problem) => Resolved { name, arguments: given, problem: Some(problem) },
    }
}

/// The tool of this name, or the only one whose name differs from it in case alone.
fn find<'t>(tools: &'t [ToolSpec], name: &str) -> Option<&'t ToolSpec> {
    let exact = tools.iter().find(|tool| tool.name == name);
    exact.or_else(|| {
        let mut similar = tools.iter().filter(|tool| tool.name.eq_ignore_ascii_case(name));
        similar.next().filter(|_| similar.next().is_none())
    })
}

/// The text that the model reads after a call of a tool that does not exist.
pub(super) fn unknown_tool(tools: &[ToolSpec], name: &str) -> String {
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    let expected = if names.is_empty() {
        "an answer: there are no tools".to_owned()
    } else {
        format!("one of {}", names.join(", "))
    };
    format!("{INVALID_ACTION} Found `{name}`, expected {expected}.")
}

/// Upstream splits the name into a toolkit and a method, and answers an unknown name with the input itself.
fn by_the_letter(tools: &[ToolSpec], request: CallRequest) -> Resolved {
    let CallRequest { name, arguments, .. } = request;
    let (toolkit, method) = name.split_once('.').unwrap_or((&name, RUN));
    let tool = tools.iter().find(|tool| tool.name == name || (tool.name == toolkit && method == RUN));
    if let Some(tool) = tool {
        let read = match &arguments {
            Value::String(input) => tool.parse(input),
            Value::Object(_) => tool.argument_error(&arguments).map_or_else(|| Ok(arguments.clone()), Err),
            other => Err(format!("invalid json format: {other}")),
        };
        return resolved(tool, arguments, read);
    }
    let is_toolkit = tools.iter().any(|tool| tool.name.split('.').next() == Some(toolkit));
    let problem = match given_text(&arguments) {
        _ if is_toolkit => format!("invalid API: {method}"),
        Some(text) => text,
        None if name == NO_ACTION.0 => NO_ACTION.1.to_owned(),
        None => INVALID_ACTION.to_owned(),
    };
    Resolved { name, arguments, problem: Some(problem) }
}

/// The input as Python prints it; `None` for an empty one.
fn given_text(arguments: &Value) -> Option<String> {
    match arguments {
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Object(entries) => (!entries.is_empty()).then(|| repr(arguments)),
        other => Some(repr(other)),
    }
}

#[cfg(test)]
mod tests {
    use internlm_model::chat::Channel;
    use serde_json::json;

    use super::*;

    fn tools() -> Vec<ToolSpec> {
        let mut text = ToolSpec::with_texts("Shell", "d", &["command"]);
        text.input = ToolInput::Text;
        vec![
            ToolSpec::with_texts("Calculator.add", "d", &["a", "b"]),
            ToolSpec::with_texts("Count", "d", &["text"]),
            text,
        ]
    }

    fn check(errors: ErrorMode, name: &str, arguments: Value, expected: Result<(&str, Value), &str>) {
        let request = CallRequest { channel: Channel::Plugin, name: name.to_owned(), arguments };
        let found = resolve(&tools(), request, errors);
        let found = match &found.problem {
            None => Ok((found.name.as_str(), found.arguments)),
            Some(problem) => Err(problem.as_str()),
        };
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn upstreams_executor() {
        let check = |name, arguments, expected| check(ErrorMode::Compat, name, arguments, expected);
        check(
            "Calculator.add",
            json!({"a": "1", "b": "2"}),
            Ok(("Calculator.add", json!({"a": "1", "b": "2"}))),
        );
        check("Count", json!("{\"text\": \"x\"}"), Ok(("Count", json!({"text": "x"}))));
        check("Count.run", json!("```json\n{\"text\": \"x\"}\n```"), Ok(("Count", json!({"text": "x"}))));
        check("Shell", json!("42"), Ok(("Shell", json!({"command": "42"}))));
        check("Count", json!("x"), Err("invalid json format: x"));
        check("Count", json!("{}"), Err("missing required arguments: {'text'}"));
        check("Calculator", json!("{}"), Err("invalid API: run"));
        check("Calculator.sub", json!("{}"), Err("invalid API: sub"));
        check("count", json!("x"), Err("x"));
        check("Nothing", json!(""), Err(INVALID_ACTION));
        check("Nothing", json!({}), Err(INVALID_ACTION));
        check("Nothing", json!({"a": "b"}), Err("{'a': 'b'}"));
        check("NoAction", json!(""), Err("Please follow the format"));
    }

    #[test]
    fn tolerant_reading() {
        let check = |name, arguments, expected| check(ErrorMode::Fixed, name, arguments, expected);
        check("count", json!("x"), Ok(("Count", json!({"text": "x"}))));
        check("Count", json!({"text": "x"}), Ok(("Count", json!({"text": "x"}))));
        check("Count", json!({"y": "x"}), Err("unknown arguments: {'y'}"));
        check(
            "Counter",
            json!("x"),
            Err("The action is invalid, please check the action name. Found `Counter`, expected one of \
                 Calculator.add, Count, Shell."),
        );
    }
}
