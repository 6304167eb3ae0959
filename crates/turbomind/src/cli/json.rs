//! [`write_json`]: the answer of a verb as one object.

use std::io::Write;

use serde::Serialize;

/// Writes a value as one line of JSON.
pub(super) fn write_json(value: &impl Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    Ok(writeln!(out, "{}", serde_json::to_string(value)?)?)
}
