//! [`load_rows`]: needle sets for dataset files, made from the rows of the user's files.

use internlm_model::tokenizer::Tokenizer;
use serde_json::{Map, Value};

use super::config::NeedleConfig;
use super::generate::{NeedleRow, generate};
use super::sources::NeedleSources;
use crate::dataset::Named;

/// Makes the questions of a set from the rows of its files: rows with `text` are parts of the haystack, rows with
/// `needle` are facts, and a row with the name of the language holds names. The arguments are those of
/// [`NeedleConfig`], and `tokenizer`, the path of the tokenizer that counts the tokens.
///
/// # Errors
/// The argument or the row that cannot be used, with what was expected.
pub fn load_rows(named: &Named, rows: Vec<NeedleRow>) -> Result<Vec<NeedleRow>, String> {
    let mut arguments: Map<String, Value> = named.arguments().map_err(|error| error.to_string())?;
    let tokenizer = match arguments.remove("tokenizer") {
        None => None,
        Some(Value::String(path)) => Some(Tokenizer::load(path).map_err(|error| error.to_string())?),
        Some(other) => return Err(format!("tokenizer: found {other}, expected a path")),
    };
    let config: NeedleConfig = serde_json::from_value(Value::Object(arguments))
        .map_err(|error| format!("{}: its arguments ({error})", named.name()))?;
    let sources = NeedleSources::of_rows(rows, config.language).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    let mut emit = |row: NeedleRow| {
        found.push(row);
        Ok(())
    };
    generate(&config, &sources, tokenizer.as_ref(), &mut emit).map_err(|error| error.to_string())?;
    Ok(found)
}
