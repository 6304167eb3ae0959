//! [`StructuredOutputs`]: vLLM's way to ask for a format of the text.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// vLLM's forms of `response_format`, exactly one of them, and what it says about their white space.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct StructuredOutputs {
    /// A JSON schema, as an object or as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// `true`: any JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_object: Option<bool>,
    /// A regular expression for the whole text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// The texts to choose from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Vec<String>>,
    /// A grammar in Lark's notation or in GBNF, which xgrammar calls EBNF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grammar: Option<String>,
    /// A structural tag, as an object or as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structural_tag: Option<Value>,
    /// `true`: no white space between the parts of the JSON of `json` or `json_object`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_any_whitespace: Option<bool>,
}
