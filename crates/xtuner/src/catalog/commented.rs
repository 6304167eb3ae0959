//! [`commented`]: a config with all its keys and what they mean.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use super::keys::{KeyText, KeyTexts};
use super::toml_value::{inline, key};
use crate::{Error, Result};

/// Maximum number of characters of a line of comments.
const WIDTH: usize = 120;
/// What the head of every copy says.
const HEAD: &str = "Every key is here. Those in comments may be left out: they have the value that is shown, or \
                    none where their text says so. Paths are relative to the folder in which the command runs.";

/// `config` as the TOML of a run, with every key that a config may have: keys that are not set are comments. `about` is
/// the first line.
///
/// # Errors
/// A config that is not a table of tables.
pub fn commented(config: &impl Serialize, about: &str) -> Result<String> {
    let malformed = |found: String| Error::mismatch("the config", found, "tables of keys");
    let values = match serde_json::to_value(config) {
        Ok(Value::Object(values)) => values,
        Ok(other) => return Err(malformed(other.to_string())),
        Err(error) => return Err(malformed(error.to_string())),
    };
    let texts = KeyTexts::read()?;
    let kind = values.get("objective").and_then(|table| table.get("kind")?.as_str()).unwrap_or("sft");
    let mut text = String::new();
    comment(&mut text, about);
    comment(&mut text, HEAD);
    let named: Vec<&str> = texts.tables().collect();
    let others = values.keys().map(String::as_str).filter(|table| !named.contains(table));
    for table in named.iter().copied().chain(others) {
        let empty = Map::new();
        let found = match values.get(table) {
            Some(Value::Object(found)) => found,
            Some(other) => return Err(malformed(format!("{table} = {other}"))),
            None => &empty,
        };
        push_table(&mut text, (table, found), &texts.keys(table, kind));
    }
    Ok(text)
}

/// Adds a table; one without a value is a comment with its head.
fn push_table(text: &mut String, (table, found): (&str, &Map<String, Value>), keys: &[&KeyText]) {
    let unset = if found.is_empty() { "# " } else { "" };
    line(text, &format!("\n{unset}[{}]", key(table)));
    for KeyText { key: name, value, says } in keys {
        comment(text, says);
        match found.get(name).filter(|value| !value.is_null()) {
            Some(value) => line(text, &format!("{} = {}", key(name), inline(value))),
            None => line(text, &format!("# {} = {value}", key(name))),
        }
    }
    let is_new = |name: &&String| keys.iter().all(|known| known.key != **name);
    for name in found.keys().filter(is_new) {
        line(text, &format!("{} = {}", key(name), inline(&found[name])));
    }
}

/// Adds `words` as lines of comments.
fn comment(text: &mut String, words: &str) {
    let mut current = "#".to_owned();
    for word in words.split_whitespace() {
        if current.chars().count() + 1 + word.chars().count() > WIDTH && current.len() > 1 {
            line(text, &current);
            "#".clone_into(&mut current);
        }
        current.push(' ');
        current.push_str(word);
    }
    line(text, &current);
}

fn line(text: &mut String, content: &str) {
    writeln!(text, "{content}").expect("a String takes every write");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_are_set_have_their_value_and_others_are_comments() {
        let config = json!({"run": {"out": "runs/a", "seed": 7}, "own": {"x": 1}});
        let text = commented(&config, "A run.").expect("a table of tables");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "# A run.");
        for expected in [
            "out = \"runs/a\"",
            "seed = 7",
            "# device = \"cpu\"",
            "# [lora]",
            "# rank = 64",
            "[own]",
            "x = 1",
        ] {
            assert!(lines.contains(&expected), "{expected}: {text}");
        }
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(commented(&json!([1]), "").is_err() && commented(&json!({"run": 1}), "").is_err());
    }

    #[test]
    fn keys_of_an_objective_come_with_its_kind() {
        let text = |config: &Value| commented(config, "").expect("a table of tables");
        let preference = text(&json!({"objective": {"kind": "preference", "loss": "ipo"}}));
        assert!(preference.contains("\nloss = \"ipo\"\n") && preference.contains("\n# beta = 0.1\n"));
        assert!(!preference.contains("penalty"));
        assert!(!text(&json!({})).contains("beta = 0.1"));
    }
}
