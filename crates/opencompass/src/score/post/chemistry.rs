//! Molecules and materials of SciReasoner: what is between their tags, or the last thing that looks like it.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::pattern::built_in;
use super::post_entry::{Apply, PostEntry};
use super::protein::{without_ends, without_thoughts};
use super::python::strip;
use crate::dataset::Named;
use crate::score::Reading;
use crate::{Error, Result};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::text("material_postprocessor", &[], material),
    PostEntry::text("Retrosynthesis_postprocess", &[], retrosynthesis),
    PostEntry::configured("LLM4Chem_postprocess", &[], llm4chem),
    PostEntry::configured("LLM4Mat_postprocessor", &[], llm4mat),
    PostEntry::configured("Mol_Instructions_postprocess_Mol", &[], molecule),
];

static MATERIAL: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?is)<material>(.*?)</material>"));
static THOUGHTS: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)<think>.*?</think>"));
static SMILES: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)<SMILES>(.*?)</SMILES>"));
static BOOLEAN: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?i)\b(?:yes|true|no|false)\b"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| built_in(r"-?\d*\.\d+|-?\d+"));
static SIGNED: LazyLock<Regex> = LazyLock::new(|| built_in(r"[-+]?\d*\.\d+|\d+"));
static FORMULA: LazyLock<Regex> = LazyLock::new(|| {
    built_in(concat!(
        r"[\[(]?[A-Z][a-z]?\d*(?:\([A-Za-z0-9]+\)\d*)?[\])]?",
        r"(?:[A-Z][a-z]?\d*|\([^)]+\)\d*|\[[^\]]+\]\d*)",
        r"*(?:[+-]{1,2})?(?:·\d*[A-Z][a-z]?\d*)*",
    ))
});
static FENCE: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?im)^```(?:json)?\s*|\s*```$"));

fn material(text: &str) -> String {
    MATERIAL.captures(text).map(|found| strip(&found[1]).to_owned()).unwrap_or_default()
}

fn retrosynthesis(text: &str) -> String {
    let text = THOUGHTS.replace_all(text, "");
    SMILES.captures_iter(&text).last().map(|found| strip(&found[1]).to_owned()).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    /// Name of the task.
    task: String,
}

/// The error of a task that is not known.
fn unknown(named: &Named, task: &str, expected: &str) -> Error {
    let place = format!("{}.task", named.name());
    Error::Value { place, found: format!("`{task}`"), expected: expected.to_owned() }
}

/// The name of the tag around the answers of a task; `None` if the whole text is the answer.
fn tag_of(named: &Named, task: &str) -> Result<Option<&'static str>> {
    Ok(match task {
        "forward_synthesis" | "retrosynthesis" | "molecule_generation" | "name_conversion-i2s" => {
            Some("SMILES")
        }
        "molecule_captioning" => None,
        "name_conversion-i2f" | "name_conversion-s2f" => Some("MOLFORMULA"),
        "name_conversion-s2i" => Some("IUPAC"),
        "property_prediction-esol" | "property_prediction-lipo" => Some("NUMBER"),
        "property_prediction-bbbp"
        | "property_prediction-clintox"
        | "property_prediction-hiv"
        | "property_prediction-sider" => Some("BOOLEAN"),
        _ => return Err(unknown(named, task, "a task of LLM4Chem, such as `retrosynthesis`")),
    })
}

/// What is between the tags of the task, or the last verdict, number or formula.
fn llm4chem(named: &Named, _: Reading) -> Result<Apply> {
    let Task { task } = named.arguments()?;
    let tag = tag_of(named, &task)?;
    Ok(Box::new(move |text| {
        let text = THOUGHTS.replace_all(text, "");
        let Some(tag) = tag else {
            return strip(&text.replace("<unk>", "").replace("</s>", "")).into();
        };
        let answer = between_tags(&text, tag).unwrap_or_default();
        // Upstream separates the parts of a molecule by full stops.
        let answer = if tag == "SMILES" { answer.replace(';', ".") } else { answer.to_owned() };
        if answer.is_empty() { last_of(&text, tag).into() } else { answer.into() }
    }))
}

/// What is between the first opening tag and the first closing one.
fn between_tags<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let start = text.find(&open)? + open.len();
    Some(strip(text.get(start..text.find(&close)?).unwrap_or_default()))
}

/// The last thing in a text that a tag could be around.
fn last_of(text: &str, tag: &str) -> String {
    let last =
        |pattern: &Regex, text: &str| pattern.find_iter(text).last().map(|found| found.as_str().to_owned());
    let found = match tag {
        "BOOLEAN" => last(&BOOLEAN, text).map(|word| {
            let is_yes = ["yes", "true"].iter().any(|yes| word.eq_ignore_ascii_case(yes));
            if is_yes { "Yes" } else { "No" }.to_owned()
        }),
        "NUMBER" => last(&NUMBER, &SMILES.replace_all(text, "")),
        "MOLFORMULA" => last(&FORMULA, text),
        _ => None,
    };
    found.unwrap_or_default()
}

/// The answer to a task of molecules. Upstream brings molecules into a canonical form with RDKit, which is not done
/// here, so their tasks are refused.
fn molecule(named: &Named, _: Reading) -> Result<Apply> {
    let Task { task } = named.arguments()?;
    match task.as_str() {
        "property_prediction_str" => Ok(Box::new(|text| {
            let text = without_gaps(&without_thoughts(&without_ends(strip(text))));
            SIGNED.find(&text).map_or_else(|| 0.into(), |number| number.as_str().into())
        })),
        "molecular_description_generation" => {
            Ok(Box::new(|text| without_thoughts(&without_ends(strip(text))).into()))
        }
        other => Err(unknown(
            named,
            other,
            "`property_prediction_str` or `molecular_description_generation`; molecules need RDKit",
        )),
    }
}

/// Removes spaces in front of digits that follow a digit or a full stop.
fn without_gaps(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(' ') {
        let (before, gap) = rest.split_at(start);
        let behind = gap.trim_start_matches(' ');
        result.push_str(before);
        let joins = result.ends_with(|letter: char| letter == '.' || letter.is_numeric());
        if !(joins && behind.starts_with(char::is_numeric)) {
            result.push_str(&gap[..gap.len() - behind.len()]);
        }
        rest = behind;
    }
    result + rest
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Property {
    /// Name of the property in the JSON of the answers.
    property: String,
}

/// The value of a property in a JSON object, or in something like it; empty if it is missing.
fn llm4mat(named: &Named, _: Reading) -> Result<Apply> {
    let Property { property } = named.arguments()?;
    let escaped = regex::escape(&property);
    let loose = built_in(&format!(r#"(?is)\{{[^{{}}]*["']?{escaped}["']?\s*:\s*["']?(.*?)["']?\s*\}}"#));
    Ok(Box::new(move |text| {
        let text = strip(text);
        if text.contains("<think>") && !text.contains("</think>") {
            return "".into();
        }
        let text = THOUGHTS.replace_all(text, "");
        let text = FENCE.replace_all(strip(&text), "");
        let strict = serde_json::from_str::<Value>(&text).ok();
        if let Some(value) = strict.as_ref().and_then(|object| object.get(&property)) {
            return of_json(&property, value);
        }
        match loose.captures(&text) {
            Some(found) => of_text(&property, strip(&found[1]).trim_matches('"')),
            None => "".into(),
        }
    }))
}

/// The options of a property that is not a number.
fn options(property: &str) -> Option<[&'static str; 2]> {
    match property {
        "Direct_or_indirect" | "Direct_or_indirect_HSE" => Some(["Indirect", "Direct"]),
        "SOC" | "is_gap_direct" | "is_stable" => Some(["True", "False"]),
        _ => None,
    }
}

fn option(options: [&str; 2], value: &str) -> Value {
    let value = value.to_lowercase();
    let means = |option: &&str| match *option {
        "True" => ["true", "yes"].contains(&value.as_str()),
        "False" => ["false", "no"].contains(&value.as_str()),
        other => other.to_lowercase() == value,
    };
    options.into_iter().find(means).unwrap_or_default().into()
}

fn of_json(property: &str, value: &Value) -> Value {
    // Python takes the truth values for the numbers 1 and 0.
    let number = value.as_f64().or_else(|| value.as_bool().map(f64::from));
    match (number, options(property)) {
        (Some(number), _) => number.into(),
        (None, Some(options)) => option(options, &crate::prompt::python_str(value)),
        (None, None) => crate::prompt::python_str(value).into(),
    }
}

fn of_text(property: &str, value: &str) -> Value {
    match options(property) {
        Some(options) => option(options, value),
        None => value.parse::<f64>().map_or_else(|_| "".into(), Value::from),
    }
}

#[cfg(test)]
mod tests;
