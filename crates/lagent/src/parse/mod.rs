//! Parsers: they print the instruction about the form of a reply into a prompt, and read the reply back (lagent's
//! `lagent/prompts/parsers`).
//!
//! | parser | instruction | reply |
//! |---|---|---|
//! | [`StrParser`] | a template with named fields | the text itself |
//! | [`JsonParser`] | the fields of one or more JSON Schemas as commented JSON | the first schema that fits, and the value |
//! | [`CustomFormatParser`] | the fields of one or two schemas as tags | the same, read from tags |
//! | [`ToolParser`] | how a tool is called between two marks | thought, action, status |
//! | [`MixedToolParser`] | the instructions of several tool parsers | that of the first parser whose begin mark occurs |

mod custom_parser;
mod error;
mod json_parser;
mod mixed_tool_parser;
mod parsed_tool;
mod python_format;
mod schema;
mod str_parser;
mod tags;
mod tool_format;
mod tool_parser;

pub use custom_parser::CustomFormatParser;
pub use error::ParseError;
pub use json_parser::JsonParser;
pub use mixed_tool_parser::MixedToolParser;
pub use parsed_tool::{ParsedTool, ToolStatus};
pub use schema::{Format, Formatted};
pub use str_parser::StrParser;
pub use tool_format::{Instruction, ToolFormat};
pub use tool_parser::{ToolParser, Validation};
