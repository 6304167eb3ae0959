//! [`KeyText`]: what every key of a config means, from `tables/keys.toml`.

use serde_json::{Map, Value};

use super::tables::parse;
use crate::{Error, Result};

/// What a copy says about a key.
#[derive(Debug)]
pub(super) struct KeyText {
    /// Its name in the table.
    pub(super) key: String,
    /// The default as TOML, or an example where there is no default.
    pub(super) value: String,
    /// What it means.
    pub(super) says: String,
}

/// Tables of a config in their order, each with its keys; those of objectives are called `objective-KIND`.
#[derive(Debug)]
pub(super) struct KeyTexts(Vec<(String, Vec<KeyText>)>);

impl KeyTexts {
    /// Parses the table of the crate.
    ///
    /// # Errors
    /// Never, as long as it is well-formed, which the tests check.
    pub(super) fn read() -> Result<Self> {
        let tables: Map<String, Value> = parse(include_str!("tables/keys.toml"), "keys.toml")?;
        let mut texts = Vec::new();
        for (table, keys) in tables {
            let place = || format!("keys.toml: {table}");
            let Value::Object(keys) = keys else {
                return Err(Error::mismatch(place(), "a value", "a table of keys"));
            };
            let mut found = Vec::new();
            for (key, pair) in keys {
                let [value, says]: [String; 2] = serde_json::from_value(pair).map_err(|error| {
                    Error::mismatch(format!("{}.{key}", place()), error.to_string(), "[default, meaning]")
                })?;
                found.push(KeyText { key, value, says });
            }
            texts.push((table, found));
        }
        Ok(Self(texts))
    }

    /// Names of the tables of a config, in their order.
    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(table, _)| table.as_str()).filter(|table| !table.contains('-'))
    }

    /// The keys of `table`, and of the objective `kind` in the table `objective`.
    pub(super) fn keys(&self, table: &str, kind: &str) -> Vec<&KeyText> {
        let of_kind = format!("{table}-{kind}");
        let tables = self.0.iter().filter(|(name, _)| name == table || *name == of_kind);
        tables.flat_map(|(_, keys)| keys).collect()
    }
}
