//! The check of one call: `simple_function_checker` of bfcl-eval 2026.3 (Apache-2.0).

use serde_json::{Map, Value};

use super::python_value::Python;

/// Letters that a comparison of texts ignores.
const IGNORED: [char; 8] = [' ', ',', '.', '/', '-', '_', '*', '^'];

/// A call with the values of its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// Name of the function.
    pub(super) name: String,
    /// Parameter and value, in the order of the call.
    pub(super) arguments: Vec<(String, Python)>,
}

/// Returns what is wrong with a call; `None` if it is right. `accepted` has a list of values per parameter, in which an
/// empty text means that the parameter may be absent.
pub(super) fn problem(call: &Call, function: &Value, accepted: &Map<String, Value>) -> Option<String> {
    let name = function["name"].as_str().unwrap_or_default();
    // Servers do not take dots in names of functions, and the package writes them as underscores.
    if call.name != name && call.name != name.replace('.', "_") {
        return Some(format!("found a call of `{}`, expected `{name}`", call.name));
    }
    let properties = &function["parameters"]["properties"];
    let required = function["parameters"]["required"].as_array().into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if !call.arguments.iter().any(|(argument, _)| argument == name) {
            return Some(format!("found no `{name}`, which is required"));
        }
    }
    for (name, value) in &call.arguments {
        let (Some(property), Some(accepted)) = (properties.get(name), accepted.get(name)) else {
            return Some(format!("found `{name}`, which is not expected"));
        };
        let accepted: Vec<Python> = accepted.as_array().into_iter().flatten().map(Python::from).collect();
        if !argument(value, property, &accepted) {
            return Some(format!("found {value:?} as `{name}`, expected one of {accepted:?}"));
        }
    }
    let absent = accepted.iter().find(|(name, values)| {
        let optional = values.as_array().is_some_and(|values| values.iter().any(|value| value == ""));
        !optional && !call.arguments.iter().any(|(argument, _)| argument == *name)
    });
    absent.map(|(name, _)| format!("found no `{name}`, which may not be absent"))
}

/// A type of Python.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Text,
    Int,
    Float,
    Bool,
    List,
    Tuple,
    Dict,
    Other,
}

impl Kind {
    /// The type for a word of the set's descriptions.
    fn described(word: &Value) -> Self {
        match word.as_str().unwrap_or_default() {
            "string" | "any" => Self::Text,
            "integer" => Self::Int,
            "float" => Self::Float,
            "boolean" => Self::Bool,
            "array" | "tuple" => Self::List,
            "dict" => Self::Dict,
            _ => Self::Other,
        }
    }

    /// The type of a value. A name of a variable counts as text.
    fn of(value: &Python) -> Self {
        match value {
            Python::Text(_) | Python::Name(_) | Python::Call { .. } => Self::Text,
            Python::Int(_) => Self::Int,
            Python::Float(_) => Self::Float,
            Python::Bool(_) => Self::Bool,
            Python::List(_) => Self::List,
            Python::Tuple(_) => Self::Tuple,
            Python::Dict(_) => Self::Dict,
            Python::None | Python::Set(_) => Self::Other,
        }
    }
}

/// The type of the first accepted value that is not the mark of an optional parameter.
fn accepted_kind(accepted: &[Python]) -> Option<Kind> {
    accepted.iter().find(|value| **value != Python::Text(String::new())).map(Kind::of)
}

/// Checks the value of one parameter.
fn argument(value: &Python, property: &Value, accepted: &[Python]) -> bool {
    let expected = Kind::described(&property["type"]);
    let value = match value {
        Python::Tuple(items) if property["type"] == "tuple" => Python::List(items.clone()),
        Python::Int(number) if expected == Kind::Float => Python::Float(*number as f64),
        other => other.clone(),
    };
    let nested = (expected == Kind::List).then(|| Kind::described(&property["items"]["type"]));
    let Some(variable) = typed(&value, expected, nested, accepted) else { return false };
    if variable == Variable::No {
        match (&value, expected, nested) {
            (Python::Dict(pairs), Kind::Dict, _) => {
                return accepted.iter().any(|accepted| dictionary(pairs, accepted));
            }
            (Python::List(items), Kind::List, Some(Kind::Dict)) => {
                return accepted.iter().any(|accepted| dictionaries(items, accepted));
            }
            (Python::List(items), Kind::List, _) => {
                return accepted.iter().any(|accepted| list(items, accepted));
            }
            (_, Kind::Text, _) => {
                return accepted.iter().any(|accepted| same(&value, accepted));
            }
            _ => {}
        }
    }
    accepted.iter().any(|accepted| value.equals(accepted))
}

/// Whether the accepted values are of another type than the description says: then a variable is expected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Variable {
    Yes,
    No,
}

/// Checks the type of a value; `None` if it is wrong.
fn typed(value: &Python, expected: Kind, nested: Option<Kind>, accepted: &[Python]) -> Option<Variable> {
    let accepted_kind = accepted_kind(accepted);
    if Kind::of(value) == expected {
        let other = accepted_kind.is_some_and(|kind| kind != expected);
        let variable = if other { Variable::Yes } else { Variable::No };
        let (Some(nested), Python::List(items)) = (nested, value) else { return Some(variable) };
        let fits = |accepted: &Python| match accepted {
            Python::List(accepted) => items.iter().all(|item| typed(item, nested, None, accepted).is_some()),
            _ => true,
        };
        return accepted.iter().any(fits).then_some(variable);
    }
    (accepted_kind == Some(Kind::of(value))).then_some(Variable::Yes)
}

/// The letters of a text that count in comparisons.
fn standard(text: &str) -> String {
    text.chars()
        .filter(|letter| !IGNORED.contains(letter))
        .flat_map(char::to_lowercase)
        .map(|letter| if letter == '\'' { '"' } else { letter })
        .collect()
}

/// Compares values, texts by the letters that count.
fn same(value: &Python, accepted: &Python) -> bool {
    let text = |value: &Python| match value {
        Python::Text(text) | Python::Name(text) => Some(standard(text)),
        _ => None,
    };
    match (text(value), text(accepted)) {
        (Some(value), Some(accepted)) => value == accepted,
        _ => value.equals(accepted),
    }
}

fn list(items: &[Python], accepted: &Python) -> bool {
    let Python::List(accepted) = accepted else { return false };
    items.len() == accepted.len() && items.iter().zip(accepted).all(|(item, accepted)| same(item, accepted))
}

/// Compares a dictionary with one whose values are lists of accepted values.
fn dictionary(pairs: &[(Python, Python)], accepted: &Python) -> bool {
    let Python::Dict(accepted) = accepted else { return false };
    let values = |key: &Python| {
        let found = accepted.iter().find(|(accepted, _)| accepted == key);
        match found.map(|(_, values)| values) {
            Some(Python::List(values)) => Some(values),
            _ => None,
        }
    };
    let fits = pairs.iter().all(|(key, value)| {
        values(key).is_some_and(|values| values.iter().any(|accepted| same(value, accepted)))
    });
    let empty = Python::Text(String::new());
    let complete = accepted.iter().all(|(key, values)| {
        let optional = matches!(values, Python::List(values) if values.contains(&empty));
        optional || pairs.iter().any(|(given, _)| given == key)
    });
    fits && complete
}

fn dictionaries(items: &[Python], accepted: &Python) -> bool {
    let Python::List(accepted) = accepted else { return false };
    items.len() == accepted.len()
        && items.iter().zip(accepted).all(|(item, accepted)| match item {
            Python::Dict(pairs) => dictionary(pairs, accepted),
            _ => false,
        })
}
