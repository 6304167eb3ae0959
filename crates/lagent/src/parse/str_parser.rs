//! `StrParser`: a template with named fields; the reply is taken as it is (`str_parser.py`).

use std::collections::BTreeMap;

use super::ParseError;
use super::python_format::fill;

/// Fills a template into the prompt and leaves the reply alone.
///
/// ```
/// use lagent::parse::StrParser;
///
/// let parser = StrParser::new("Answer in {language}.", [("language", "French")])?;
/// assert_eq!(parser.format_instruction(), "Answer in French.");
/// assert_eq!(parser.parse_response("Oui."), "Oui.");
/// assert!(StrParser::new("Answer in {language}.", [("tongue", "French")]).is_err());
/// # Ok::<(), lagent::parse::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StrParser {
    instruction: String,
}

impl StrParser {
    /// Creates a parser from a template of Python's `str.format` and the values of its fields. Values that the
    /// template does not name are ignored.
    ///
    /// # Errors
    /// [`ParseError::MissingFields`] and [`ParseError::Template`].
    pub fn new<N: Into<String>, V: Into<String>>(
        template: &str,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ParseError> {
        let fields: BTreeMap<String, String> =
            fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Ok(Self { instruction: fill(template, |name| fields.get(name).cloned())? })
    }

    /// Returns the filled template.
    #[must_use]
    pub fn format_instruction(&self) -> &str {
        &self.instruction
    }

    /// Returns the reply itself.
    #[must_use]
    pub fn parse_response<'a>(&self, reply: &'a str) -> &'a str {
        reply
    }
}
