//! Values as JSON.

use serde_json::{Map, Value as Json};

use super::value::{CHARACTERS, Heap, Key, Value};

/// Maximum depth of values.
const DEEPEST: usize = 60;

/// What a function becomes, which JSON does not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Functions {
    /// An error.
    Refused,
    /// Its name in angle brackets.
    Named,
}

impl Heap {
    /// Converts a value. Tuples become lists, and types their dotted names.
    pub(super) fn json(&mut self, value: &Value, functions: Functions) -> Result<Json, String> {
        self.json_at(value, functions, 0)
    }

    fn json_at(&mut self, value: &Value, functions: Functions, depth: usize) -> Result<Json, String> {
        self.spend(1)?;
        if depth > DEEPEST {
            return Err("values are nested too deeply".to_owned());
        }
        Ok(match value {
            Value::None => Json::Null,
            Value::Bool(truth) => Json::from(*truth),
            Value::Int(number) => Json::from(*number),
            Value::Float(number) => Json::from(*number),
            Value::Text(text) | Value::Type(text) => {
                self.spend(text.len() / CHARACTERS)?;
                Json::from(&**text)
            }
            Value::List(place) | Value::Tuple(place) => {
                let items = self.lists[*place].clone();
                let items: Result<Vec<Json>, String> =
                    items.iter().map(|item| self.json_at(item, functions, depth + 1)).collect();
                Json::Array(items?)
            }
            Value::Dict(place) => {
                let entries = self.dicts[*place].clone();
                let mut fields = Map::new();
                for (key, value) in &entries {
                    fields.insert(name(key), self.json_at(value, functions, depth + 1)?);
                }
                Json::Object(fields)
            }
            Value::Function(..) | Value::Opaque(_) | Value::File(_) => match functions {
                Functions::Refused => return Err(format!("found {}, expected plain data", value.kind())),
                Functions::Named => Json::from(format!("<{}>", value.kind().trim_matches('`'))),
            },
        })
    }
}

/// A key as Python's `json.dumps` writes it.
fn name(key: &Key) -> String {
    match key {
        Key::None => "null".to_owned(),
        Key::Bool(truth) => truth.to_string(),
        Key::Int(number) => number.to_string(),
        Key::Text(text) | Key::Type(text) => text.to_string(),
    }
}
