//! Loaders of sets whose answers are programs.

use serde_json::Value;

use super::cell::each;
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] =
    &[LoaderEntry { name: "apps", upstream: &["APPSDataset", "APPS_miniDataset"], load: apps }];

/// `apps`: the column `starter` is the given beginning of the program and says how the program gets its input. Upstream
/// writes a backslash and an `n` in front of the second part.
fn apps(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let text = |name: &str| columns.get(name).and_then(Value::as_str).unwrap_or_default();
        let given = text("starter_code").to_owned();
        let cases: Value = serde_json::from_str(text("input_output")).unwrap_or_default();
        let calls = cases["fn_name"].as_str().is_some_and(|name| !name.is_empty());
        let form = if calls || !given.is_empty() { "Call-Based" } else { "Standard Input" };
        columns.insert("starter".to_owned(), Value::String(format!("{given}\\nUse {form} format")));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_form_of_the_input_is_told() {
        let rows: Vec<Columns> = [
            json!({"starter_code": "", "input_output": "{\"inputs\": []}"}),
            json!({"starter_code": "", "input_output": "{\"fn_name\": \"f\"}"}),
            json!({"starter_code": "class S:", "input_output": ""}),
        ]
        .iter()
        .filter_map(|row| row.as_object().cloned())
        .collect();
        let loaded = apps(&Named::new("apps"), rows).expect("loads");
        let found: Vec<&str> = loaded.iter().filter_map(|row| row["starter"].as_str()).collect();
        let expected =
            ["\\nUse Standard Input format", "\\nUse Call-Based format", "class S:\\nUse Call-Based format"];
        assert_eq!(found, expected);
    }
}
