//! `MixedToolParser`: several tool parsers for one model (`tool_parser.py`).

use super::{Instruction, ParseError, ParsedTool, ToolFormat, ToolParser};

/// Asks its parsers in order; the first one whose begin mark occurs in the reply reads it.
///
/// ```
/// use lagent::parse::{MixedToolParser, ToolFormat, ToolParser};
///
/// let parser = MixedToolParser::new([ToolParser::plugin(), ToolParser::interpreter()]);
/// let parsed = parser.parse_response("<|action_start|><|interpreter|>\n1+1<|action_end|>\n");
/// assert_eq!(parsed.tool_type.as_deref(), Some("interpreter"));
/// assert_eq!(parser.parse_response("Hello.").tool_type, None);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MixedToolParser {
    instruction: Option<Instruction>,
    parsers: Vec<ToolParser>,
}

impl MixedToolParser {
    /// Creates a parser of all these calls. A parser replaces an earlier one of the same tool type, in its place.
    #[must_use]
    pub fn new(parsers: impl IntoIterator<Item = ToolParser>) -> Self {
        let mut kept: Vec<ToolParser> = Vec::new();
        for parser in parsers {
            match kept.iter_mut().find(|known| known.tool_type() == parser.tool_type()) {
                Some(known) => *known = parser,
                None => kept.push(parser),
            }
        }
        Self { instruction: None, parsers: kept }
    }

    /// Sets a system message before those of the parsers; an empty text removes it.
    #[must_use]
    pub fn with_instruction(self, content: impl Into<String>, name: Option<String>) -> Self {
        let content = content.into();
        let instruction = (!content.trim().is_empty()).then_some(Instruction { content, name });
        Self { instruction, ..self }
    }
}

impl ToolFormat for MixedToolParser {
    fn format_instruction(&self) -> Vec<Instruction> {
        let own = self.instruction.iter().cloned();
        own.chain(self.parsers.iter().flat_map(ToolFormat::format_instruction)).collect()
    }

    fn parse_response(&self, reply: &str) -> ParsedTool {
        let parsed = self.parsers.iter().map(|parser| parser.parse_response(reply));
        let mut calls = parsed.filter(|parsed| parsed.tool_type.is_some());
        calls.next().unwrap_or_else(|| ParsedTool::answer(reply))
    }

    fn format_response(&self, parsed: &ParsedTool) -> Result<String, ParseError> {
        if parsed.action.is_none() {
            return Ok(parsed.thought.clone());
        }
        let found = parsed.tool_type.as_deref().unwrap_or_default();
        match self.parsers.iter().find(|parser| parser.tool_type() == found) {
            Some(parser) => parser.format_response(parsed),
            None => {
                let known = self.parsers.iter().map(|parser| parser.tool_type().to_owned()).collect();
                Err(ParseError::ToolType { found: found.to_owned(), known })
            }
        }
    }
}
