//! [`RemoteTool`]: a tool as its server lists it, and as an agent sees it.

use rmcp::model::Tool;
use serde_json::{Value, json};

use crate::action::{ToolInput, ToolSpec};

/// One tool of a server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RemoteTool {
    /// The server's name for it.
    pub(super) name: String,
    /// What the model reads; the name of the server is in front of the name.
    pub(super) spec: ToolSpec,
    pub(super) mark: Mark,
}

/// What a server says about the harm that a tool can do. It is not verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mark {
    /// It may delete or overwrite something.
    Destructive,
    /// The server says the opposite or nothing.
    Other,
}

impl RemoteTool {
    pub(super) fn new(server: &str, tool: Tool) -> Self {
        let name = tool.name.into_owned();
        let is_destructive = tool
            .annotations
            .as_ref()
            .is_some_and(|hints| hints.destructive_hint == Some(true) && hints.read_only_hint != Some(true));
        let mut parameters = tool.input_schema.as_ref().clone();
        parameters.entry("type").or_insert_with(|| json!("object"));
        parameters.entry("properties").or_insert_with(|| json!({}));
        let spec = ToolSpec {
            name: format!("{server}.{name}"),
            description: tool
                .description
                .or_else(|| tool.title.map(Into::into))
                .unwrap_or_default()
                .into_owned(),
            parameters: Value::Object(parameters),
            input: ToolInput::Json,
        };
        Self { name, spec, mark: if is_destructive { Mark::Destructive } else { Mark::Other } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_ignored_and_missing_ones_have_defaults() {
        let listed = json!({
            "name": "wipe",
            "title": "Wipe",
            "inputSchema": {"properties": {"disk": {"type": "string"}}, "required": ["disk"]},
            "annotations": {"destructiveHint": true, "futureHint": 1},
            "future": {"a": 1},
        });
        let tool = RemoteTool::new("disks", serde_json::from_value(listed).expect("a tool"));
        assert_eq!((tool.name.as_str(), tool.spec.name.as_str()), ("wipe", "disks.wipe"));
        assert_eq!((tool.spec.description.as_str(), tool.mark), ("Wipe", Mark::Destructive));
        assert_eq!((tool.spec.required(), &tool.spec.parameters["type"]), (vec!["disk"], &json!("object")));
        let plain: Tool = serde_json::from_value(json!({"name": "a", "inputSchema": {}})).expect("a tool");
        assert_eq!(RemoteTool::new("s", plain).spec.parameters, json!({"type": "object", "properties": {}}));
    }
}
