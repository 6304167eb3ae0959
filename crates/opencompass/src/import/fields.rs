//! Fields of upstream's tables.

use serde_json::{Map, Value};

/// The table in the field `key`.
pub(super) fn table(fields: &Map<String, Value>, key: &str) -> Option<Map<String, Value>> {
    fields.get(key).and_then(Value::as_object).cloned()
}

/// The last part of the dotted name in `type`; empty if there is no name.
pub(super) fn class(fields: &Map<String, Value>) -> &str {
    let name = fields.get("type").and_then(Value::as_str).unwrap_or_default();
    name.rsplit('.').next().unwrap_or_default()
}
