//! The table of named templates, and files of one's own that extend it.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_kit::config::parse_unchecked;
use internlm_kit::file;
use serde_json::{Map, Value};

use super::named::NamedTemplate;
use super::row::TemplateRow;
use crate::{Error, Result};

/// The templates of XTuner.
const TABLE: &str = include_str!("templates.toml");
/// How the table is called in messages.
const NAME: &str = "templates.toml";

/// Templates by name.
type Table = BTreeMap<String, TemplateRow>;

/// Names of the templates that need no file, in alphabetical order.
///
/// ```
/// let names = xtuner::template::template_names()?;
/// assert!(names.iter().any(|name| name == "internlm2_chat"));
/// # Ok::<(), xtuner::Error>(())
/// ```
///
/// # Errors
/// Never, as long as the table of the crate is well-formed.
pub fn template_names() -> Result<Vec<String>> {
    Ok(built_in()?.into_keys().collect())
}

/// The template of the crate called `name`.
pub(super) fn named(name: &str) -> Result<NamedTemplate> {
    resolve(name, &[&built_in()?], NAME)
}

/// The template of a TOML file: `file.toml` when there is one, `file.toml#name` for one of several.
pub(super) fn of_file(choice: &str) -> Result<NamedTemplate> {
    let (path, name) = match choice.split_once('#') {
        Some((path, name)) => (path, Some(name)),
        None => (choice, None),
    };
    let (own, built_in) = (read(Path::new(path))?, built_in()?);
    let name = match (name, own.len()) {
        (Some(name), _) => name,
        (None, 1) => own.keys().next().map_or("", String::as_str),
        (None, _) => {
            let names: Vec<&str> = own.keys().map(String::as_str).collect();
            let found = format!("{} templates ({})", names.len(), names.join(", "));
            return Err(Error::mismatch(path, found, format!("one, or `{path}#NAME`")));
        }
    };
    resolve(name, &[&own, &built_in], path)
}

fn built_in() -> Result<Table> {
    Ok(parse_unchecked(TABLE, NAME, &[] as &[&str])?)
}

/// The templates of a file; one without a table is called like the file.
fn read(path: &Path) -> Result<Table> {
    let text = file::read_to_string(path)?;
    let keys: Map<String, Value> = parse_unchecked(&text, path, &[] as &[&str])?;
    if !keys.is_empty() && keys.values().all(Value::is_object) {
        return Ok(parse_unchecked(&text, path, &[] as &[&str])?);
    }
    let row: TemplateRow = parse_unchecked(&text, path, &[] as &[&str])?;
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    Ok(Table::from([(name, row)]))
}

/// The template `name` of the first table that has it, with what it extends. `place` is where it was looked for.
fn resolve(name: &str, tables: &[&Table], place: &str) -> Result<NamedTemplate> {
    let mut row = TemplateRow::default();
    let mut names: Vec<String> = Vec::new();
    let mut next = Some(name.to_owned());
    while let Some(current) = next {
        if names.contains(&current) {
            let found = format!("`{current}`, which extends itself");
            return Err(Error::mismatch(format!("{place}: {name}.extends"), found, "another template"));
        }
        let base = tables.iter().find_map(|table| table.get(&current)).ok_or_else(|| {
            let known: Vec<&str> = tables.iter().flat_map(|table| table.keys()).map(String::as_str).collect();
            let expected = format!("one of {}, a TOML file of templates or a jinja file", known.join(", "));
            Error::mismatch("dataset.template", format!("`{current}`"), expected)
        })?;
        next = base.extends.clone();
        row = row.over(base);
        names.push(current);
    }
    row.template(name, place)
}
