//! stub
use std::path::Path;
use anyhow::Result;
pub(crate) fn write(_run: &Path, _recipe: &str, _stages: &serde_json::Map<String, serde_json::Value>, _rows: &[(String, String, String)]) -> Result<()> { Ok(()) }
