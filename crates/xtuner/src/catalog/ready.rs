//! [`ReadyConfig`]: a named configuration, composed of the tables.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::merge::merge;
use super::tables::{Part, Row, Tables};
use super::toml_value::{inline, key};
use crate::{Error, Result};

/// A configuration of a name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReadyConfig {
    /// Name as XTuner has it, such as `internlm2_chat_7b_qlora_oasst1_e3`.
    pub name: String,
    /// Heading under which the name is listed: `internlm`, `dpo`, `orpo`, `reward_model`, `custom_pretrain` or
    /// `custom_sft`.
    pub family: String,
    /// What a user should know about the configuration, for a few of them.
    pub note: Option<String>,
    /// Keys and values that differ from the defaults, by table.
    values: Part,
}

/// All ready configurations, in the order of the tables.
///
/// # Errors
/// Never, as long as the tables of the crate are well-formed.
pub fn ready_configs() -> Result<Vec<ReadyConfig>> {
    let tables = Tables::read()?;
    let mut ready = Vec::new();
    for row in &tables.rows {
        for model in &row.models {
            for data in &row.data {
                ready.push(compose(&tables, row, (model.as_str(), data.as_str()))?);
            }
        }
    }
    Ok(ready)
}

impl ReadyConfig {
    /// The configuration called `name`, if there is one.
    ///
    /// # Errors
    /// As [`ready_configs`].
    pub fn named(name: &str) -> Result<Option<Self>> {
        Ok(ready_configs()?.into_iter().find(|ready| ready.name == name))
    }

    /// The keys that differ from the defaults, as the TOML of a run.
    #[must_use]
    pub fn toml(&self) -> String {
        let mut text = String::new();
        for (table, values) in &self.values {
            let Value::Object(values) = values else { continue };
            writeln!(text, "[{}]", key(table)).expect("a String takes every write");
            for (name, value) in values {
                writeln!(text, "{} = {}", key(name), inline(value)).expect("a String takes every write");
            }
        }
        text
    }
}

/// The configuration of a row for one of its models and one of its sets.
fn compose(tables: &Tables, row: &Row, (model, data): (&str, &str)) -> Result<ReadyConfig> {
    let name = row.name.replace("{model}", model).replace("{method}", &row.method).replace("{data}", data);
    let (set, samples) = suffix(data, "_gpu");
    let (set, epochs) = suffix(set, "_e");
    let part = |table: &'static str, name: &str| {
        let parts = match table {
            "models" => &tables.models,
            "methods" => &tables.methods,
            "objectives" => &tables.objectives,
            _ => &tables.data,
        };
        parts.get(name).ok_or_else(|| Error::mismatch(format!("{table}.toml"), format!("no `{name}`"), "one"))
    };
    let mut values = Part::new();
    merge(&mut values, &object(json!({"run": {"out": format!("runs/{name}")}})));
    let parts = [
        part("objectives", "common")?,
        part("models", model)?,
        part("methods", &row.method)?,
        part("objectives", &row.objective)?,
        part("data", set)?,
    ];
    parts.into_iter().for_each(|part| merge(&mut values, part));
    if let Some(samples) = samples {
        merge(&mut values, &object(json!({"dataset": {"rows-per-step": samples}})));
    }
    if let Some(epochs) = epochs {
        merge(&mut values, &object(json!({"schedule": {"epochs": epochs as f64}})));
    }
    merge(&mut values, &row.set);
    Ok(ReadyConfig { name, family: row.family.clone(), note: row.note.clone(), values })
}

fn object(value: Value) -> Part {
    match value {
        Value::Object(object) => object,
        _ => Part::new(),
    }
}

/// `text` without `mark` and the number behind it, and that number.
fn suffix<'a>(text: &'a str, mark: &str) -> (&'a str, Option<u64>) {
    let split = text.rsplit_once(mark).and_then(|(rest, number)| Some((rest, number.parse().ok()?)));
    split.map_or((text, None), |(rest, number)| (rest, Some(number)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn suffixes_are_epochs_and_batches() {
        assert_eq!(suffix("msagent_react_e3_gpu8", "_gpu"), ("msagent_react_e3", Some(8)));
        assert_eq!(suffix("oasst1_512_e3", "_e"), ("oasst1_512", Some(3)));
        assert_eq!(suffix("finetune_custom_dataset_e1", "_e"), ("finetune_custom_dataset", Some(1)));
        assert_eq!(suffix("preference", "_e"), ("preference", None));
    }

    #[test]
    fn names_are_unique_and_parts_are_used() {
        let ready = ready_configs().expect("well-formed tables");
        let names: BTreeSet<&str> = ready.iter().map(|ready| ready.name.as_str()).collect();
        assert_eq!((ready.len(), names.len()), (129, 129));
        let tables = Tables::read().expect("well-formed tables");
        let used = |name: &str| tables.rows.iter().any(|row| row.models.iter().any(|model| model == name));
        assert!(tables.models.keys().all(|name| used(name)));
        let sets: BTreeSet<&str> = tables
            .rows
            .iter()
            .flat_map(|row| &row.data)
            .map(|set| suffix(suffix(set, "_gpu").0, "_e").0)
            .collect();
        assert!(tables.data.keys().all(|name| sets.contains(name.as_str())));
    }

    #[test]
    fn the_text_holds_what_differs_from_the_defaults() {
        let ready =
            ReadyConfig::named("internlm_7b_qlora_msagent_react_e3_gpu8").expect("well-formed tables");
        let text = ready.expect("a ready configuration").toml();
        for line in [
            "out = \"runs/internlm_7b_qlora_msagent_react_e3_gpu8\"",
            "path = \"internlm/internlm-7b\"",
            "rows-per-step = 8",
            "packing = \"none\"",
            "epochs = 3.0",
            "lr = 0.0002",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
        assert_eq!(ReadyConfig::named("internlm_7b").expect("well-formed tables"), None);
    }
}
