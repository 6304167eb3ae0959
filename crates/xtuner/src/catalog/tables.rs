//! The tables of the crate: models, methods, training sets, objectives, and the rows that combine them.

use std::collections::BTreeMap;

use internlm_kit::config::parse_unchecked;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Result;

/// A part of a config.
pub(super) type Part = Map<String, Value>;

/// All tables.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) models: BTreeMap<String, Part>,
    pub(super) methods: BTreeMap<String, Part>,
    pub(super) objectives: BTreeMap<String, Part>,
    pub(super) data: BTreeMap<String, Part>,
    pub(super) rows: Vec<Row>,
}

/// Configurations of one kind: one for each model and training set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// Heading under which the names are listed.
    pub(super) family: String,
    pub(super) models: Vec<String>,
    pub(super) method: String,
    /// Names of training sets with `_eN` and `_gpuN` behind them.
    pub(super) data: Vec<String>,
    #[serde(default = "sft")]
    pub(super) objective: String,
    /// The names, in which `{model}`, `{method}` and `{data}` are replaced.
    #[serde(default = "composed")]
    pub(super) name: String,
    /// What a user should know who copies the configuration.
    #[serde(default)]
    pub(super) note: Option<String>,
    #[serde(default)]
    pub(super) set: Part,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    configs: Vec<Row>,
}

fn sft() -> String {
    "sft".to_owned()
}

fn composed() -> String {
    "{model}_{method}_{data}".to_owned()
}

impl Tables {
    /// Parses the tables of the crate.
    ///
    /// # Errors
    /// Never, as long as they are well-formed, which the tests check.
    pub(super) fn read() -> Result<Self> {
        let rows: Rows = parse(include_str!("tables/configs.toml"), "configs.toml")?;
        Ok(Self {
            models: parse(include_str!("tables/models.toml"), "models.toml")?,
            methods: parse(include_str!("tables/methods.toml"), "methods.toml")?,
            objectives: parse(include_str!("tables/objectives.toml"), "objectives.toml")?,
            data: parse(include_str!("tables/data.toml"), "data.toml")?,
            rows: rows.configs,
        })
    }
}

/// Parses a table of the crate that is called `name` in messages.
pub(super) fn parse<T: DeserializeOwned>(text: &str, name: &str) -> Result<T> {
    Ok(parse_unchecked(text, name, &[] as &[&str])?)
}
