//! `Format`: the fields of a reply as a JSON Schema, printed and checked in Python's terms.

use std::sync::Arc;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

use super::ParseError;
use crate::python_text::repr;

/// A named form that a reply may have.
///
/// ```
/// use lagent::parse::Format;
/// use serde_json::json;
///
/// let schema = json!({"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]});
/// let format = Format::new("default_format", schema)?;
/// assert_eq!(format.name(), "default_format");
/// # Ok::<(), lagent::parse::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Format {
    name: String,
    schema: Value,
    validator: Arc<jsonschema::Validator>,
}

/// A reply that has one of the expected forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Formatted {
    /// Name of the form.
    pub format: String,
    /// The value, which the form's schema accepts.
    pub value: Value,
}

/// One field of a form.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) description: Option<&'a str>,
    /// The default; `None` for a field that a reply must have.
    pub(super) default: Option<Value>,
    pub(super) schema: &'a Value,
}

impl Format {
    /// Creates a form from a JSON Schema. References may only lead inside of the schema.
    ///
    /// # Errors
    /// [`ParseError::Schema`] when the schema is not one.
    pub fn new(name: impl Into<String>, schema: Value) -> Result<Self, ParseError> {
        let name = name.into();
        match jsonschema::validator_for(&schema) {
            Ok(validator) => Ok(Self { name, schema, validator: Arc::new(validator) }),
            Err(error) => Err(ParseError::Schema { name, message: error.to_string() }),
        }
    }

    /// Creates a form from a Rust type. Doc comments become the comments that the model reads.
    ///
    /// # Errors
    /// The same as [`Format::new`]; does not happen for derived schemas.
    pub fn of<T: JsonSchema>(name: impl Into<String>) -> Result<Self, ParseError> {
        Self::new(name, SchemaGenerator::default().into_root_schema_for::<T>().to_value())
    }

    /// Returns the name, which is also the field of the template that shows the form.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The fields in the schema's order; `None` if the form is not an object with fields.
    pub(super) fn fields(&self) -> Option<Vec<Field<'_>>> {
        self.fields_of(&self.schema)
    }

    /// The fields of a field; `None` if it is not an object with fields.
    pub(super) fn fields_of<'a>(&'a self, schema: &'a Value) -> Option<Vec<Field<'a>>> {
        let target = self.target(schema);
        let required = target.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|names| names.iter().any(|known| known.as_str() == Some(name)));
        let fields = target.get("properties")?.as_object()?.iter().map(|(name, schema)| {
            let own = |key: &str| schema.get(key).or_else(|| self.target(schema).get(key));
            let default = own("default").cloned();
            Field {
                name,
                description: own("description").and_then(Value::as_str),
                default: if is_required(name) { default } else { Some(default.unwrap_or(Value::Null)) },
                schema,
            }
        });
        Some(fields.collect())
    }

    /// The fields to print below a field: its own, those of its items, or those of the first alternative that has
    /// fields.
    pub(super) fn nested_fields<'a>(&'a self, schema: &'a Value) -> Option<Vec<Field<'a>>> {
        let target = self.target(schema);
        let alternatives =
            ["anyOf", "oneOf"].into_iter().filter_map(|key| target.get(key)?.as_array()).flatten();
        let mut inner = std::iter::once(target).chain(target.get("items")).chain(alternatives);
        inner.find_map(|inner| self.fields_of(inner))
    }

    /// Follows `$ref` inside of the schema. A circle of references ends at its first repetition.
    pub(super) fn target<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let mut seen: Vec<&str> = Vec::new();
        let mut schema = schema;
        while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let next = reference.strip_prefix('#').and_then(|pointer| self.schema.pointer(pointer));
            match next {
                Some(next) if !seen.contains(&reference) => schema = next,
                _ => break,
            }
            seen.push(reference);
        }
        schema
    }

    /// The type of a field as upstream prints Python's annotations: `str`, `list[int]`, `Union[int, NoneType]`.
    pub(super) fn type_name(&self, schema: &Value) -> String {
        let schema = self.target(schema);
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            let values: Vec<String> = values.iter().map(plain).collect();
            return format!("Literal[{}]", values.join(", "));
        }
        if let Some(value) = schema.get("const") {
            return format!("Literal[{}]", plain(value));
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(parts) = schema.get(key).and_then(Value::as_array) {
                return union(parts.iter().map(|part| self.type_name(part)));
            }
        }
        match schema.get("type") {
            Some(Value::String(kind)) => self.named_type(kind, schema),
            Some(Value::Array(kinds)) => {
                union(kinds.iter().filter_map(Value::as_str).map(|kind| self.named_type(kind, schema)))
            }
            _ => "Any".to_owned(),
        }
    }

    fn named_type(&self, kind: &str, schema: &Value) -> String {
        let inner =
            |key: &str| schema.get(key).filter(|inner| inner.is_object()).map(|inner| self.type_name(inner));
        match kind {
            "string" => "str".to_owned(),
            "integer" => "int".to_owned(),
            "number" => "float".to_owned(),
            "boolean" => "bool".to_owned(),
            "null" => "NoneType".to_owned(),
            "array" => inner("items").map_or_else(|| "list".to_owned(), |item| format!("list[{item}]")),
            "object" => inner("additionalProperties")
                .map_or_else(|| "dict".to_owned(), |value| format!("dict[str, {value}]")),
            other => other.to_owned(),
        }
    }

    /// Checks a value. The problem names this form.
    pub(super) fn check(&self, value: Value) -> Result<Formatted, String> {
        if let Err(error) = self.validator.validate(&value) {
            return Err(format!("{}: {error}", self.name));
        }
        Ok(Formatted { format: self.name.clone(), value })
    }

    /// Keeps the fields that the form has and adds the defaults of those that are missing, in inner objects too.
    pub(super) fn completed(&self, given: Map<String, Value>) -> Value {
        self.complete(&self.schema, Value::Object(given))
    }

    fn complete(&self, schema: &Value, value: Value) -> Value {
        match (value, self.target(schema).get("items")) {
            (Value::Object(given), _) => match self.fields_of(schema) {
                Some(fields) => Value::Object(self.complete_fields(fields, given)),
                None => Value::Object(given),
            },
            (Value::Array(items), Some(schema)) => {
                items.into_iter().map(|item| self.complete(schema, item)).collect()
            }
            (value, _) => value,
        }
    }

    fn complete_fields(&self, fields: Vec<Field<'_>>, mut given: Map<String, Value>) -> Map<String, Value> {
        let mut complete = Map::new();
        for Field { name, default, schema, .. } in fields {
            // A default of null stands for an absent field unless the schema accepts null.
            let accepts_null = || self.type_name(schema).contains("NoneType");
            let default = default.filter(|default| !default.is_null() || accepts_null());
            if let Some(value) = given.remove(name).or(default) {
                complete.insert(name.to_owned(), self.complete(schema, value));
            }
        }
        complete
    }
}

fn union(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.as_slice() {
        [only] => only.clone(),
        several => format!("Union[{}]", several.join(", ")),
    }
}

/// A value as Python's `str` prints it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Format").field("name", &self.name).field("schema", &self.schema).finish()
    }
}
