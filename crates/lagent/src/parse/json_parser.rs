//! `JsonParser`: replies that are JSON of one of several forms (`json_parser.py`).

use serde_json::{Map, Value};

use super::ParseError;
use super::python_format::fill;
use super::schema::{Field, Format, Formatted, plain};

/// What a reply contains in the place of a value when a model copies the printed form.
const PLACEHOLDERS: [&str; 6] = ["str", "int", "float", "bool", "list", "dict"];
/// Maximum depth of printed objects, which ends types that contain themselves.
const MAX_DEPTH: usize = 4;

/// Prints forms as commented JSON and reads replies of one of them.
///
/// ```
/// use lagent::parse::{Format, JsonParser};
/// use serde_json::json;
///
/// let schema = json!({
///     "type": "object",
///     "properties": {"age": {"type": "integer", "description": "Age of the person"}},
///     "required": ["age"],
/// });
/// let parser = JsonParser::new("Reply with\n{format}", [Format::new("format", schema)?])?;
/// let printed = "Reply with\n{\n    // Age of the person\n    \"age\": \"int\",  // required\n}";
/// assert_eq!(parser.format_instruction(), printed);
/// assert_eq!(parser.parse_response("{\"age\": 30}")?.value, json!({"age": 30}));
/// # Ok::<(), lagent::parse::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct JsonParser {
    instruction: String,
    formats: Vec<Format>,
}

impl JsonParser {
    /// Creates a parser from a template of Python's `str.format`, in which the name of a form stands for the
    /// printed form.
    ///
    /// # Errors
    /// [`ParseError::MissingFields`] and [`ParseError::Template`].
    pub fn new(template: &str, formats: impl IntoIterator<Item = Format>) -> Result<Self, ParseError> {
        let formats: Vec<Format> = formats.into_iter().collect();
        let printed = |name: &str| formats.iter().find(|format| format.name() == name).map(print);
        let instruction = fill(template, printed)?;
        Ok(Self { instruction, formats })
    }

    /// Returns the filled template.
    #[must_use]
    pub fn format_instruction(&self) -> &str {
        &self.instruction
    }

    /// Reads a reply as the first form that it has. Comments and a code fence around the JSON are ignored, fields
    /// that the form does not have are dropped, and missing ones get their defaults.
    ///
    /// # Errors
    /// [`ParseError::NotJson`]; [`ParseError::Placeholder`] when only a placeholder is wrong;
    /// [`ParseError::NoFormat`].
    pub fn parse_response(&self, reply: &str) -> Result<Formatted, ParseError> {
        let text = without_comments(without_fence(reply));
        let value: Value = serde_json::from_str(&text)
            .map_err(|error| ParseError::NotJson { message: error.to_string() })?;
        let mut problems = Vec::new();
        let mut placeholder = None;
        for format in &self.formats {
            match read(format, &value) {
                Ok(Ok(formatted)) => return Ok(formatted),
                Ok(Err(problem)) => problems.push(problem),
                Err(error) => {
                    problems.push(format!("{}: {error}", format.name()));
                    placeholder.get_or_insert(error);
                }
            }
        }
        match placeholder {
            Some(error) if self.formats.len() == 1 => Err(error),
            _ => Err(ParseError::NoFormat { problems }),
        }
    }
}

/// Reads a value as one form: the form, the problem that its schema has with the value, or a placeholder.
fn read(format: &Format, value: &Value) -> Result<Result<Formatted, String>, ParseError> {
    let (Value::Object(given), Some(fields)) = (value, format.fields()) else {
        return Ok(format.check(value.clone()));
    };
    let given = without_placeholders(&fields, given)?;
    Ok(format.check(format.completed(given)))
}

/// Replaces the names of types that were copied from the printed form by the defaults of their fields.
fn without_placeholders(
    fields: &[Field<'_>],
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, ParseError> {
    let mut kept = Map::new();
    for (name, value) in given {
        let field = fields.iter().find(|field| field.name == name);
        let copied = value.as_str().filter(|text| PLACEHOLDERS.contains(text));
        match (field, copied) {
            (Some(Field { default: None, .. }), Some(found)) => {
                return Err(ParseError::Placeholder { field: name.clone(), found: found.to_owned() });
            }
            (Some(_), Some(_)) => {}
            _ => {
                kept.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(kept)
}

/// Prints a form as upstream does, comments and commas included.
fn print(format: &Format) -> String {
    let fields = format.fields().unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    print_fields(format, &fields, 1, &mut lines);
    if let Some(last) = lines.last_mut()
        && last.ends_with(',')
    {
        last.pop();
    }
    format!("{{\n{}\n}}", lines.join("\n"))
}

fn print_fields(format: &Format, fields: &[Field<'_>], depth: usize, lines: &mut Vec<String>) {
    let indent = "    ".repeat(depth);
    for field in fields {
        let Field { name, description, default, schema } = field;
        if let Some(description) = description {
            // Every line of a description is a comment of its own.
            lines.extend(description.lines().map(|line| format!("{indent}// {line}")));
        }
        let nested = if depth < MAX_DEPTH { format.nested_fields(schema) } else { None };
        match (nested, default) {
            (Some(nested), _) => {
                lines.push(format!("{indent}\"{name}\": {{"));
                print_fields(format, &nested, depth + 1, lines);
                lines.push(format!("{indent}}},"));
            }
            (None, None) => {
                lines.push(format!("{indent}\"{name}\": \"{}\",  // required", format.type_name(schema)));
            }
            (None, Some(default)) => {
                let kind = format.type_name(schema);
                lines.push(format!("{indent}\"{name}\": \"{kind}\",  // default: {}", plain(default)));
            }
        }
    }
}

/// The text inside of a code fence around the whole reply.
fn without_fence(reply: &str) -> &str {
    let trimmed = reply.trim();
    let inside = trimmed.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inside.and_then(|inside| inside.split_once('\n')).map_or(trimmed, |(_, body)| body)
}

/// Removes `//` comments that are not inside of a string.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (mut in_string, mut escaped, mut end) = (false, false, line.len());
        for (at, character) in line.char_indices() {
            if !in_string && line[at..].starts_with("//") {
                end = at;
                break;
            }
            in_string ^= character == '"' && !escaped;
            escaped = in_string && character == '\\' && !escaped;
        }
        kept.push_str(&line[..end]);
        if end < line.len() {
            kept.push('\n');
        }
    }
    kept
}
