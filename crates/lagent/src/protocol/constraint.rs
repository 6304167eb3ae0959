//! Constrained decoding: whether an agent asks for it, and the pieces of grammars in Lark's notation, in the dialect
//! of llguidance that lmdeploy's server reads.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::action::ToolSpec;

/// Whether the server is asked to make malformed calls impossible.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Constraint {
    /// Replies are not constrained at all.
    #[default]
    Off,
    /// Every reply keeps to the format of calls and answers. Needs lmdeploy's server, or one that reads the same
    /// `response_format`.
    Calls,
}

impl Constraint {
    /// Returns whether replies are free, which is what saved agents leave out.
    pub(crate) fn is_off(&self) -> bool {
        *self == Self::Off
    }
}

/// The fields of a request whose reply follows a grammar.
pub(super) fn lark(rules: &str) -> Value {
    json!({"response_format": {"type": "grammar", "grammar": rules}})
}

/// A text as a rule quotes it.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The arguments of a tool as part of a rule.
pub(super) fn arguments(tool: &ToolSpec) -> String {
    format!("%json {}", schema(tool))
}

/// The schema of a tool's arguments. Upstream refuses arguments that the tool does not have, so others are not
/// offered.
pub(super) fn schema(tool: &ToolSpec) -> Value {
    let mut schema = tool.parameters.clone();
    if let Value::Object(fields) = &mut schema {
        fields.entry("type").or_insert_with(|| json!("object"));
        fields.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    schema
}
