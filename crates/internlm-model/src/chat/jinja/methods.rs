//! Methods of Python's values: those of `str`, and what is missing for lists and dicts.

use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};

use super::arguments::{bind, check_widths, items, refused};
use super::text_methods;

/// Methods of lists and dicts that would change them: transformers' sandbox refuses them.
const CHANGES: [&str; 11] = [
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "update",
];

/// Calls `method` of a value that has no method of that name in minijinja.
pub(super) fn call(
    state: &mut State,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let own = match value.kind() {
        ValueKind::String if method == "format" => {
            check_widths(value.as_str().unwrap_or_default(), arguments)?;
            None
        }
        ValueKind::String => text_methods::call(value.as_str().unwrap_or_default(), method, arguments)?,
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map if CHANGES.contains(&method) => {
            return Err(refused(format!("{method}: a template cannot change a {}", value.kind())));
        }
        ValueKind::Seq | ValueKind::Iterable => list_method(value, method, arguments)?,
        ValueKind::Map if method == "copy" => {
            let [] = bind(arguments, [])?;
            Some(value.clone())
        }
        _ => None,
    };
    match own {
        Some(result) => Ok(result),
        None => minijinja_contrib::pycompat::unknown_method_callback(state, value, method, arguments),
    }
}

fn list_method(list: &Value, method: &str, arguments: &[Value]) -> Result<Option<Value>, Error> {
    match method {
        "copy" => {
            let [] = bind(arguments, [])?;
            Ok(Some(list.clone()))
        }
        "count" | "index" => {
            let [wanted] = bind(arguments, ["value"])?;
            let wanted = wanted.unwrap_or_default();
            let items = items(list)?;
            let mut places = items.iter().enumerate().filter(|(_, item)| **item == wanted).map(|(at, _)| at);
            if method == "count" {
                return Ok(Some(Value::from(places.count())));
            }
            match places.next() {
                Some(at) => Ok(Some(Value::from(at))),
                None => Err(refused(format!("index: {wanted} is not in the list"))),
            }
        }
        _ => Ok(None),
    }
}
