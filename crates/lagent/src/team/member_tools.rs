//! The tools by which members reach each other: calls of other members, and handing the conversation over.

use serde_json::Value;

use crate::action::ToolSpec;

/// What the name of a tool begins with that hands the conversation over.
const TRANSFER: &str = "transfer_to_";
/// The only parameter of these tools.
const MESSAGE: &str = "message";

/// Returns the tool that calls a member.
pub(super) fn call_tool(name: &str, description: &str) -> ToolSpec {
    let mut text = format!("Ask {name}, who does not see this conversation.");
    if !description.is_empty() {
        text = format!("{description} {text}");
    }
    ToolSpec::with_texts(name, &text, &[MESSAGE])
}

/// Returns the tool that hands the conversation over to a member.
pub(super) fn transfer_tool(name: &str, description: &str) -> ToolSpec {
    let mut text = format!("Hand the conversation over to {name}, who answers in your place.");
    if !description.is_empty() {
        text = format!("{text} {description}");
    }
    ToolSpec::with_texts(&transfer_name(name), &text, &[MESSAGE])
}

/// Returns the name of the tool that hands the conversation over to a member.
pub(super) fn transfer_name(name: &str) -> String {
    format!("{TRANSFER}{name}")
}

/// Returns the member that a tool's name hands the conversation over to.
pub(super) fn transfer_target(tool: &str) -> Option<&str> {
    tool.strip_prefix(TRANSFER)
}

/// Returns what the caller wants to tell the other member.
pub(super) fn message(args: &Value) -> String {
    match args.get(MESSAGE) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
