//! [`read_with_fields`]: comparisons with the keys of their rows that no form of them has.

use std::path::Path;

use serde_json::{Map, Value};

use super::opinion::Preference;
use super::row::parse_preference;
use crate::Result;
use crate::dataset::format::{parse_value, read_rows};

/// Keys of all forms of comparisons.
const READ: [&str; 17] = [
    "chosen",
    "completion",
    "conversations",
    "history",
    "input",
    "instruction",
    "kto_tag",
    "label",
    "messages",
    "output",
    "prompt",
    "question",
    "rejected",
    "response",
    "system",
    "system_prompt",
    "tools",
];

/// Reads as [`read_preferences`](super::read_preferences) does, and gives other keys, such as `domain`, next to each
/// comparison.
///
/// # Errors
/// As there.
pub(crate) fn read_with_fields(path: impl AsRef<Path>) -> Result<Vec<(Preference, Map<String, Value>)>> {
    read_rows(path.as_ref(), "comparison", |_, row| {
        let preference = parse_preference(row.text)?;
        let fields = match parse_value(row.text, "with a comparison")? {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let others = fields.into_iter().filter(|(key, _)| !READ.contains(&key.as_str()));
        Ok((preference, others.collect()))
    })
}
