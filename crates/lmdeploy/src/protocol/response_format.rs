//! [`ResponseFormat`]: what the text of an answer must look like.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the text of an answer must look like; the field `type` says which of them.
///
/// ```
/// use lmdeploy::protocol::{JsonSchemaFormat, ResponseFormat};
/// use serde_json::json;
///
/// let format = json!({"type": "json_schema", "json_schema": {"name": "age", "schema": {"type": "integer"}}});
/// let expected = JsonSchemaFormat::new(json!({"type": "integer"})).with_name("age");
/// assert_eq!(serde_json::from_value::<ResponseFormat>(format)?, ResponseFormat::JsonSchema(expected));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Fields", into = "Fields")]
#[non_exhaustive]
pub enum ResponseFormat {
    /// `text`: any text. It asks for nothing.
    #[default]
    Text,
    /// `json_object`: any JSON object.
    JsonObject,
    /// `json_schema`: JSON that follows a schema. `json_object` with a `schema`, as llama.cpp takes it, is the same.
    JsonSchema(JsonSchemaFormat),
    /// `regex_schema`: a text that a regular expression matches as a whole; LMDeploy's.
    RegexSchema(String),
    /// `choice`: one of several texts.
    Choice(Vec<String>),
    /// `grammar`: a text of a grammar in Lark's notation, or in GBNF, llama.cpp's.
    Grammar(String),
    /// `structural_tag` with a `format`: texts, schemas, tags and free text inside of each other, as xgrammar writes them.
    StructuralFormat(Value),
    /// `structural_tag` in its older form: any text, in which some marks begin JSON; vLLM's.
    StructuralTag {
        /// What may follow the triggers.
        structures: Vec<TaggedStructure>,
        /// Texts that are the start of one of the structures; once one is written, the structure follows.
        triggers: Vec<String>,
    },
}

/// A JSON schema with its name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JsonSchemaFormat {
    /// A name for the client's own use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the JSON is for. The model does not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The schema; what it asks for is always kept, whether `strict` is set or not.
    pub schema: Value,
    /// Accepted for OpenAI's clients, and without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// JSON between two marks.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TaggedStructure {
    /// The text before the JSON, which begins with one of the triggers.
    pub begin: String,
    /// The schema of the JSON.
    pub schema: Value,
    /// The text after the JSON.
    pub end: String,
}

impl JsonSchemaFormat {
    /// A schema without a name.
    #[must_use]
    pub fn new(schema: Value) -> Self {
        Self { schema, ..Self::default() }
    }

    /// Gives it a name.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

/// The fields of all types, of which each type has its own.
#[derive(Clone, Default, Deserialize, Serialize)]
struct Fields {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json_schema: Option<JsonSchemaFormat>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    regex_schema: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    choice: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grammar: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    structures: Option<Vec<TaggedStructure>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    triggers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<Value>,
}

/// The types that exist, for messages.
const TYPES: &str =
    "`text`, `json_object`, `json_schema`, `regex_schema`, `choice`, `grammar` or `structural_tag`";

impl TryFrom<Fields> for ResponseFormat {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let missing = |name: &str| format!("found type `{}` without `{name}`, expected it", fields.kind);
        match fields.kind.as_str() {
            "text" => Ok(Self::Text),
            "json_object" => Ok(match fields.schema {
                Some(schema) => Self::JsonSchema(JsonSchemaFormat::new(schema)),
                None => Self::JsonObject,
            }),
            "json_schema" => {
                let bare = fields.schema.clone().map(JsonSchemaFormat::new);
                let format = fields.json_schema.clone().or(bare);
                format.map(Self::JsonSchema).ok_or_else(|| missing("json_schema"))
            }
            "regex_schema" => {
                fields.regex_schema.clone().map(Self::RegexSchema).ok_or_else(|| missing("regex_schema"))
            }
            "choice" => fields.choice.clone().map(Self::Choice).ok_or_else(|| missing("choice")),
            "grammar" => fields.grammar.clone().map(Self::Grammar).ok_or_else(|| missing("grammar")),
            "structural_tag" => match &fields.format {
                None => Ok(Self::StructuralTag {
                    structures: fields.structures.clone().ok_or_else(|| missing("structures"))?,
                    triggers: fields.triggers.clone().ok_or_else(|| missing("triggers"))?,
                }),
                Some(_) if fields.structures.is_some() || fields.triggers.is_some() => {
                    Err("found `format` together with `structures` or `triggers`, expected one form"
                        .to_owned())
                }
                Some(format) => Ok(Self::StructuralFormat(format.clone())),
            },
            other => Err(format!("found type `{other}`, expected {TYPES}")),
        }
    }
}

impl From<ResponseFormat> for Fields {
    fn from(format: ResponseFormat) -> Self {
        let of = |kind: &str| Self { kind: kind.to_owned(), ..Self::default() };
        match format {
            ResponseFormat::Text => of("text"),
            ResponseFormat::JsonObject => of("json_object"),
            ResponseFormat::JsonSchema(format) => Self { json_schema: Some(format), ..of("json_schema") },
            ResponseFormat::RegexSchema(regex) => Self { regex_schema: Some(regex), ..of("regex_schema") },
            ResponseFormat::Choice(choice) => Self { choice: Some(choice), ..of("choice") },
            ResponseFormat::Grammar(grammar) => Self { grammar: Some(grammar), ..of("grammar") },
            ResponseFormat::StructuralFormat(format) => Self { format: Some(format), ..of("structural_tag") },
            ResponseFormat::StructuralTag { structures, triggers } => {
                Self { structures: Some(structures), triggers: Some(triggers), ..of("structural_tag") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_is_read_as_it_is_written() {
        for value in [
            json!({"type": "text"}),
            json!({"type": "json_object"}),
            json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "null"}, "strict": true}}),
            json!({"type": "regex_schema", "regex_schema": "a+"}),
            json!({"type": "choice", "choice": ["yes", "no"]}),
            json!({"type": "grammar", "grammar": "start: \"a\""}),
            json!({"type": "structural_tag", "structures": [{"begin": "<f>", "schema": {}, "end": "</f>"}],
                   "triggers": ["<f"]}),
            json!({"type": "structural_tag", "format": {"type": "any_text"}}),
        ] {
            let format: ResponseFormat = serde_json::from_value(value.clone()).expect("a format");
            assert_eq!(serde_json::to_value(format).expect("JSON"), value);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (value, part) in [
            (json!({"type": "xml"}), "found type `xml`, expected `text`"),
            (json!({"type": "json_schema"}), "without `json_schema`"),
            (json!({"type": "regex_schema"}), "without `regex_schema`"),
            (json!({"type": "structural_tag", "triggers": []}), "without `structures`"),
            (json!({"type": "structural_tag", "triggers": [], "format": {}}), "expected one form"),
            (json!({}), "missing field `type`"),
        ] {
            let error = serde_json::from_value::<ResponseFormat>(value).expect_err("is wrong").to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn llama_cpp_writes_the_schema_beside_the_type() {
        let expected = ResponseFormat::JsonSchema(JsonSchemaFormat::new(json!({"type": "null"})));
        for kind in ["json_object", "json_schema"] {
            let value = json!({"type": kind, "schema": {"type": "null"}});
            assert_eq!(serde_json::from_value::<ResponseFormat>(value).expect("a format"), expected);
        }
    }
}
