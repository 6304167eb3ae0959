//! `CustomFormatParser`: replies whose fields are tags (`custom_parser.py`).

use serde_json::{Map, Number, Value};

use super::ParseError;
use super::python_format::fill;
use super::schema::{Field, Format, Formatted, plain};
use super::tags::pairs;

/// Prints forms as tags and reads replies of one of them.
///
/// ```
/// use lagent::parse::{CustomFormatParser, Format};
/// use serde_json::json;
///
/// let schema = json!({
///     "type": "object",
///     "properties": {"age": {"type": "integer", "description": "Age of the person"}},
///     "required": ["age"],
/// });
/// let parser = CustomFormatParser::new("{format}", [Format::new("format", schema)?])?;
/// assert_eq!(parser.format_instruction(), "<!-- Age of the person -->\n<age type=\"int\"></age>\n");
/// assert_eq!(parser.parse_response("It is <age type=\"int\">30</age>.")?.value, json!({"age": 30}));
/// # Ok::<(), lagent::parse::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CustomFormatParser {
    instruction: String,
    formats: Vec<Format>,
}

impl CustomFormatParser {
    /// Creates a parser from a template of Python's `str.format`, in which the name of a form stands for the
    /// printed form. Upstream has the forms `default_format` and `unknown_format`.
    ///
    /// # Errors
    /// [`ParseError::MissingFields`] and [`ParseError::Template`]; [`ParseError::Schema`] when a form is not an
    /// object with fields.
    pub fn new(template: &str, formats: impl IntoIterator<Item = Format>) -> Result<Self, ParseError> {
        let formats: Vec<Format> = formats.into_iter().collect();
        if let Some(other) = formats.iter().find(|format| format.fields().is_none()) {
            let message = "found no `properties`, expected an object with fields".to_owned();
            return Err(ParseError::Schema { name: other.name().to_owned(), message });
        }
        let printed = |name: &str| formats.iter().find(|format| format.name() == name).map(print);
        let instruction = fill(template, printed)?;
        Ok(Self { instruction, formats })
    }

    /// Returns the filled template.
    #[must_use]
    pub fn format_instruction(&self) -> &str {
        &self.instruction
    }

    /// Reads the tags of a reply as the first form that they have. Text around the tags is ignored.
    ///
    /// # Errors
    /// [`ParseError::NoFormat`], with the problem of every form.
    pub fn parse_response(&self, reply: &str) -> Result<Formatted, ParseError> {
        let pairs = pairs(reply);
        let mut problems = Vec::new();
        for format in &self.formats {
            let mut given = Map::new();
            for Field { name, schema, .. } in format.fields().unwrap_or_default() {
                // The last of several tags counts, as in upstream's dictionary.
                if let Some((_, content)) = pairs.iter().rev().find(|(tag, _)| *tag == name) {
                    given.insert(name.to_owned(), typed(content, &format.type_name(schema)));
                }
            }
            match format.check(format.completed(given)) {
                Ok(formatted) => return Ok(formatted),
                Err(problem) => problems.push(problem),
            }
        }
        Err(ParseError::NoFormat { problems })
    }
}

fn print(format: &Format) -> String {
    let mut text = String::new();
    for Field { name, description, default, schema } in format.fields().unwrap_or_default() {
        if let Some(description) = description {
            text.push_str(&format!("<!-- {description} -->\n"));
        }
        let default = default.as_ref().filter(|default| !default.is_null()).map(plain).unwrap_or_default();
        text.push_str(&format!("<{name} type=\"{}\">{default}</{name}>\n", format.type_name(schema)));
    }
    text
}

/// The content of a tag as a value of a type, as far as it can be read as one; else the text itself.
fn typed(content: &str, kind: &str) -> Value {
    let union = kind.strip_prefix("Union[").and_then(|kinds| kinds.strip_suffix(']'));
    let value = match union {
        // A text is what everything can be read as, so it comes last.
        Some(kinds) => {
            kinds.split(", ").filter(|kind| *kind != "str").find_map(|kind| read_as(content.trim(), kind))
        }
        None => read_as(content.trim(), kind),
    };
    value.unwrap_or_else(|| Value::from(content))
}

/// Reads a text as pydantic reads texts for a field of a type.
fn read_as(text: &str, kind: &str) -> Option<Value> {
    let is_one_of = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    match kind {
        "str" => None,
        "int" => text.parse::<i64>().ok().map(Value::from),
        "float" => text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        "bool" if is_one_of(&["true", "1", "yes", "on", "t", "y"]) => Some(Value::Bool(true)),
        "bool" if is_one_of(&["false", "0", "no", "off", "f", "n"]) => Some(Value::Bool(false)),
        "NoneType" => (text.is_empty() || is_one_of(&["none", "null"])).then_some(Value::Null),
        _ => serde_json::from_str(text).ok(),
    }
}
