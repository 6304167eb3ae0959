//! The errors of parsers: templates that cannot be filled, and replies that do not have the expected form.

use internlm_kit::exit::BadInput;

/// The reason why a template cannot be filled or a reply cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The template names fields that have no value.
    #[error("template: no values for the fields [{}]", fields.join(", "))]
    MissingFields {
        /// Names of the fields in the template's order.
        fields: Vec<String>,
    },
    /// The template is not one of Python's format strings, or uses more of them than a name in braces.
    #[error("template: byte {at}: found `{found}`, expected a name in braces")]
    Template {
        /// Byte offset of the brace.
        at: usize,
        /// The text from the brace on, shortened.
        found: String,
    },
    /// The schema of a format is not a JSON Schema.
    #[error("format `{name}`: {message}")]
    Schema {
        /// Name of the format.
        name: String,
        /// What is wrong with the schema.
        message: String,
    },
    /// The reply is not JSON.
    #[error("the reply is not valid JSON: {message}")]
    NotJson {
        /// The message of the JSON parser.
        message: String,
    },
    /// The reply contains the name of a type in the place of a required value.
    #[error("field `{field}`: found the placeholder `{found}`, expected a value")]
    Placeholder {
        /// Name of the field.
        field: String,
        /// The type's name that the reply contains.
        found: String,
    },
    /// The reply fits none of the formats.
    #[error("the reply has none of the expected formats: {}", problems.join("; "))]
    NoFormat {
        /// One problem per format, beginning with the format's name.
        problems: Vec<String>,
    },
    /// The `formatted` part of a message is not what a tool parser writes.
    #[error("formatted part of a message of {sender}: {message}")]
    Formatted {
        /// Author of the message.
        sender: String,
        /// What was found and what was expected.
        message: String,
    },
    /// A few-shot example has a message that cannot follow the one before it.
    #[error(
        "few-shot example {example}, message {message}: found the role `{found}`, expected it behind a thought"
    )]
    FewShot {
        /// Index of the example, counted from 0.
        example: usize,
        /// Index of the message in the example, counted from 0.
        message: usize,
        /// Role of the message.
        found: &'static str,
    },
    /// A parsed call belongs to a tool that the parser does not know.
    #[error("tool type `{found}`: unknown, expected one of {}", known.join(", "))]
    ToolType {
        /// The tool type of the call.
        found: String,
        /// The tool types of the parser.
        known: Vec<String>,
    },
}

impl BadInput for ParseError {
    /// Every error is one of a template, a schema or a reply that somebody wrote.
    fn is_bad_input(&self) -> bool {
        true
    }
}
