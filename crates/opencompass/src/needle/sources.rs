//! [`NeedleSources`]: the user's texts from which questions are made.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::config::Language;
use super::haystack::value;
use crate::Result;

/// A fact with its question: a line of upstream's `needles.jsonl`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KnownNeedle {
    /// The sentence that is hidden.
    pub needle: String,
    /// The question, with the form of the answer between single quotes.
    pub retrieval_question: String,
    /// What the sentence is about.
    #[serde(default)]
    pub arg1: String,
    /// The keyword that a right answer has.
    pub arg2: String,
    /// Language of the needle, `English` or `Chinese`.
    pub language: String,
}

/// Texts, facts and names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NeedleSources {
    /// Texts that make the haystack, in the order of their file.
    pub texts: Vec<String>,
    /// Facts, in the order of their file.
    pub needles: Vec<KnownNeedle>,
    /// Names of persons for relations, in the order of their file.
    pub names: Vec<String>,
}

impl NeedleSources {
    /// Sorts rows by their fields: `needle` makes a fact, the name of the language a list of names, `text` a text.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) with the row that is not one of these.
    pub fn of_rows(rows: Vec<Map<String, Value>>, language: Language) -> Result<Self> {
        let mut sources = Self::default();
        for (place, row) in rows.into_iter().enumerate() {
            if row.contains_key("needle") {
                sources.needles.push(parsed("needles", place + 1, &Value::Object(row).to_string())?);
            } else if let Some(Value::String(names)) = row.get(language.name()) {
                sources.names.extend(names.split(',').map(str::to_owned));
            } else if let Some(Value::String(text)) = row.get("text") {
                sources.texts.push(text.clone());
            } else {
                let found = Value::Object(row).to_string();
                return Err(value(
                    "needle set",
                    format!("row {}: {found}", place + 1),
                    "a needle, names or a text",
                ));
            }
        }
        Ok(sources)
    }

    /// Adds the texts of a JSON-lines file with the field `text`.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) with the line that is not such an object.
    pub fn with_texts(mut self, lines: &str) -> Result<Self> {
        /// A line of the file.
        #[derive(Deserialize)]
        struct Line {
            text: String,
        }
        for (number, line) in numbered(lines) {
            self.texts.push(parsed::<Line>("texts", number, line)?.text);
        }
        Ok(self)
    }

    /// Adds the facts of a file like `needles.jsonl`.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) with the line that is not a fact.
    pub fn with_needles(mut self, lines: &str) -> Result<Self> {
        for (number, line) in numbered(lines) {
            self.needles.push(parsed("needles", number, line)?);
        }
        Ok(self)
    }

    /// Adds the names of a file like `names.json`: an object with one text per language, which commas divide.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) if the file is not JSON or does not have the language.
    pub fn with_names(mut self, json: &str, language: Language) -> Result<Self> {
        let file: Value = parsed("names", 1, json)?;
        let names = file[language.name()]
            .as_str()
            .ok_or_else(|| value("names", "no such field", format!("a text under `{}`", language.name())))?;
        self.names.extend(names.split(',').map(str::to_owned));
        Ok(self)
    }
}

fn numbered(lines: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = lines.lines().enumerate().map(|(place, line)| (place + 1, line));
    numbered.filter(|(_, line)| !line.trim().is_empty())
}

fn parsed<T: serde::de::DeserializeOwned>(place: &str, number: usize, line: &str) -> Result<T> {
    serde_json::from_str(line).map_err(|error| {
        value(place, format!("line {number}: {error}"), "JSON with the fields of upstream's file")
    })
}
