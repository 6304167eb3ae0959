//! The trait that tool parsers share: instruction, reading and writing of calls.

use super::{ParseError, ParsedTool};

/// A system message about one tool type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instruction {
    /// Text of the system message.
    pub content: String,
    /// The message's `name`, such as `plugin`; absent for a text about all tools.
    pub name: Option<String>,
}

/// Reads calls from replies, and writes them as the model would.
pub trait ToolFormat: Send + Sync {
    /// Returns the system messages that explain the calls; without those that are empty.
    fn format_instruction(&self) -> Vec<Instruction>;

    /// Splits a reply into its parts. A call that cannot be read is a status, not an error.
    fn parse_response(&self, reply: &str) -> ParsedTool;

    /// Writes the parts as one reply, the inverse of [`ToolFormat::parse_response`].
    ///
    /// # Errors
    /// [`ParseError::ToolType`] for a call of a tool type that the parser does not know.
    fn format_response(&self, parsed: &ParsedTool) -> Result<String, ParseError>;
}
