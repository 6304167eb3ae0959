//! The texts of a dataset's items: what could have been learned by heart.

use serde_json::{Map, Value};

use crate::dataset::Dataset;
use crate::prompt::python_str;

/// The texts of one item.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ItemText {
    /// The columns that the prompt uses, joined with newlines.
    pub input: String,
    /// The expected answer: for a letter, the text of that choice.
    pub label: String,
}

/// Returns the texts of every row, in order.
#[must_use]
pub fn item_texts(dataset: &Dataset) -> Vec<ItemText> {
    let reader = &dataset.config.reader;
    let text = |value: &Value| if value.is_null() { String::new() } else { python_str(value) };
    let item = |columns: &Map<String, Value>| {
        let inputs = reader.input.iter().filter_map(|name| columns.get(name));
        let label = reader.output.as_ref().and_then(|name| columns.get(name)).map_or_else(String::new, text);
        // The letter itself says nothing: the choice is what may be in a corpus.
        let choice = columns.get(&label).filter(|_| label.chars().count() == 1);
        ItemText { input: inputs.map(text).collect::<Vec<_>>().join("\n"), label: choice.map_or(label, text) }
    };
    dataset.test.iter().map(|row| item(&row.columns)).collect()
}
