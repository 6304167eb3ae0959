//! JSON as Python's `json.dumps` writes it: one line, `", "` and `": "`, and floats as `repr` writes them.

use minijinja::Value;
use minijinja::value::{Serde, ValueKind};

use super::python_text::python_float;

/// `value` as Python's `json.dumps(value, ensure_ascii=False)` writes it: the form models were trained on.
pub(super) fn python_json(value: &serde_json::Value) -> String {
    JsonStyle::default().write(&Value::from(Serde(value))).expect("JSON in memory has a JSON form")
}

/// The arguments of `json.dumps` that change the text.
#[derive(Clone, Debug)]
pub(super) struct JsonStyle {
    /// Between items, and between keys and their values.
    pub(super) separators: (String, String),
    /// One step of indentation; `None` keeps everything on one line.
    pub(super) indent: Option<String>,
    /// Whether keys are in the order of their code points instead of the order of the dict.
    pub(super) keys: Keys,
    /// How characters beyond ASCII are written.
    pub(super) characters: Characters,
}

/// The order of the keys of a dict; `sort_keys`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Keys {
    AsTheyAre,
    Sorted,
}

/// Characters beyond ASCII; `ensure_ascii`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Characters {
    AsTheyAre,
    Escaped,
}

impl Default for JsonStyle {
    fn default() -> Self {
        Self {
            separators: (", ".to_owned(), ": ".to_owned()),
            indent: None,
            keys: Keys::AsTheyAre,
            characters: Characters::AsTheyAre,
        }
    }
}

impl JsonStyle {
    /// The JSON text of `value`, or the kind of value inside of it that JSON cannot express.
    pub(super) fn write(&self, value: &Value) -> Result<String, ValueKind> {
        let mut json = String::new();
        self.value(value, 0, &mut json)?;
        Ok(json)
    }

    fn value(&self, value: &Value, depth: usize, json: &mut String) -> Result<(), ValueKind> {
        match value.kind() {
            ValueKind::String => self.text(value.as_str().unwrap_or_default(), json),
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter().map(Iterator::collect).unwrap_or_default();
                self.items("[]", &items, depth, json, |item, depth, json| self.value(item, depth, json))?;
            }
            ValueKind::Map => {
                let pairs = self.pairs(value)?;
                self.items("{}", &pairs, depth, json, |(key, value), depth, json| {
                    self.text(key, json);
                    json.push_str(&self.separators.1);
                    self.value(value, depth, json)
                })?;
            }
            _ => json.push_str(&plain(value).ok_or(value.kind())?),
        }
        Ok(())
    }

    /// The brackets with what is between them.
    fn items<T>(
        &self,
        brackets: &str,
        items: &[T],
        depth: usize,
        json: &mut String,
        write: impl Fn(&T, usize, &mut String) -> Result<(), ValueKind>,
    ) -> Result<(), ValueKind> {
        let (open, close) = brackets.split_at(1);
        json.push_str(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                json.push_str(&self.separators.0);
            }
            self.line(depth + 1, json);
            write(item, depth + 1, json)?;
        }
        if !items.is_empty() {
            self.line(depth, json);
        }
        json.push_str(close);
        Ok(())
    }

    fn line(&self, depth: usize, json: &mut String) {
        if let Some(indent) = &self.indent {
            json.push('\n');
            json.push_str(&indent.repeat(depth));
        }
    }

    /// Keys, which Python turns into text, and values.
    fn pairs(&self, map: &Value) -> Result<Vec<(String, Value)>, ValueKind> {
        let mut keys: Vec<Value> = map.try_iter().map(Iterator::collect).unwrap_or_default();
        if self.keys == Keys::Sorted {
            // Python compares keys before they become text, and refuses to compare texts with numbers.
            if let Some(odd) = keys.iter().find(|key| key.kind() != keys[0].kind()) {
                return Err(odd.kind());
            }
            keys.sort();
        }
        let pair = |key: &Value| {
            let name = key.as_str().map(str::to_owned).or_else(|| plain(key));
            name.map(|name| (name, map.get_item(key).unwrap_or_default())).ok_or(key.kind())
        };
        keys.iter().map(pair).collect()
    }

    fn text(&self, text: &str, json: &mut String) {
        json.push('"');
        for character in text.chars() {
            match character {
                '"' => json.push_str("\\\""),
                '\\' => json.push_str("\\\\"),
                '\n' => json.push_str("\\n"),
                '\r' => json.push_str("\\r"),
                '\t' => json.push_str("\\t"),
                '\u{8}' => json.push_str("\\b"),
                '\u{c}' => json.push_str("\\f"),
                '\0'..='\u{1f}' => escape(character, json),
                // Noncharacters mark what is hidden from the tokenizer; they are removed from the prompt.
                '\u{fdd0}'..='\u{fdef}' => json.push(character),
                '\u{7f}'.. if self.characters == Characters::Escaped => escape(character, json),
                _ => json.push(character),
            }
        }
        json.push('"');
    }
}

/// Null, booleans and numbers; `None` for every other value.
fn plain(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::None => Some("null".to_owned()),
        ValueKind::Bool => Some(if value.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::Number if value.is_integer() => Some(value.to_string()),
        ValueKind::Number => {
            f64::try_from(value.clone()).ok().map(|float| match python_float(float).as_str() {
                "nan" => "NaN".to_owned(),
                "inf" => "Infinity".to_owned(),
                "-inf" => "-Infinity".to_owned(),
                finite => finite.to_owned(),
            })
        }
        _ => None,
    }
}

/// A character as `\u` escapes of its UTF-16 units.
fn escape(character: char, json: &mut String) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        json.push_str(&format!("\\u{unit:04x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value() -> serde_json::Value {
        serde_json::json!({"b": [1, 1e-7, []], "a\n\u{7}": {"é😀": {}, "y": 1e16}})
    }

    #[test]
    fn separators_are_those_of_python() {
        // json.dumps(value, ensure_ascii=False)
        let expected = r#"{"b": [1, 1e-07, []], "a\n\u0007": {"é😀": {}, "y": 1e+16}}"#;
        assert_eq!(python_json(&value()), expected);
    }

    #[test]
    fn every_argument_of_dumps_is_applied() {
        // json.dumps(value, indent=2, sort_keys=True, separators=(";", "="))
        let style = JsonStyle {
            separators: (";".to_owned(), "=".to_owned()),
            indent: Some("  ".to_owned()),
            keys: Keys::Sorted,
            characters: Characters::Escaped,
        };
        let expected = "{\n  \"a\\n\\u0007\"={\n    \"y\"=1e+16;\n    \"\\u00e9\\ud83d\\ude00\"={}\n  };\n  \
            \"b\"=[\n    1;\n    1e-07;\n    []\n  ]\n}";
        assert_eq!(style.write(&Value::from(Serde(value()))), Ok(expected.to_owned()));
        assert_eq!(style.write(&Value::from(vec![Value::UNDEFINED])), Err(ValueKind::Undefined));
    }
}
