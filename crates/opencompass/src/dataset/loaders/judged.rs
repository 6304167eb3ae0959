//! Loaders of sets that a judge rates: AlignBench, CreationBench, MT-Bench-101 and RoleBench. What the judge is told is
//! from OpenCompass 0.5.4 (Apache-2.0).

mod conversations;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::cell::{each, text, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;
use crate::prompt::python_str;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "alignbench", upstream: &["AlignmentBenchDataset"], load: alignbench },
    LoaderEntry { name: "creationbench", upstream: &["CreationBenchDataset"], load: creationbench },
    LoaderEntry { name: "mtbench101", upstream: &["MTBench101Dataset"], load: conversations::mtbench101 },
    LoaderEntry {
        name: "rolebench",
        upstream: &[
            "InstructionGeneralizationEnglishDataset",
            "InstructionGeneralizationChineseDataset",
            "RoleGeneralizationEnglishDataset",
        ],
        load: rolebench,
    },
];

/// The judge's instructions of AlignBench, with `{category}`, `{dimensions}`, `{question}` and `{reference}`.
const ALIGNBENCH: &str = include_str!("judged/alignbench.txt");
/// The judge's instructions of CreationBench by language.
const CREATIONBENCH: &str = include_str!("judged/creationbench.json");

/// Reads one of the files that come as whole texts.
fn file<T: DeserializeOwned>(rows: &[Columns], place: usize, name: &str) -> Result<T, String> {
    let row = rows.get(place).ok_or_else(|| format!("files: expected {name} as file {}", place + 1))?;
    serde_json::from_str(text(row, "text")?).map_err(|error| format!("{name}: {error}"))
}

/// `alignbench`: the column `critiquellm_prefix`, which tells the judge the dimensions of a kind of question. The files
/// are read whole: the questions, the dimensions of each kind, what the dimensions mean, and the kind of each category.
fn alignbench(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    if rows.is_empty() {
        return Ok(rows);
    }
    let questions: Vec<Columns> = file(&rows, 0, "the questions")?;
    let dimensions: BTreeMap<String, Vec<String>> = file(&rows, 1, "the dimensions of the kinds")?;
    let meanings: BTreeMap<String, String> = file(&rows, 2, "the meanings of the dimensions")?;
    let kinds: BTreeMap<String, String> = file(&rows, 3, "the kinds of the categories")?;
    each(questions, |columns| {
        let category = text(columns, "/others/subcategory")?;
        let of_kind = kinds.get(category).and_then(|kind| dimensions.get(kind));
        let of_kind =
            of_kind.ok_or_else(|| format!("subcategory: found {category}, expected a known one"))?;
        let mut described = String::new();
        for (index, name) in of_kind.iter().enumerate() {
            let meaning = meanings.get(name).map_or("None", String::as_str);
            described += &format!("{}. {name}: {meaning}\n", index + 1);
        }
        let marks = [
            ("{category}", python_str(value(columns, "capability")?)),
            ("{dimensions}", described),
            ("{question}", python_str(value(columns, "question")?)),
            ("{reference}", python_str(value(columns, "/others/reference")?)),
        ];
        let prefix = replaced(ALIGNBENCH, &marks);
        columns.insert("critiquellm_prefix".to_owned(), Value::String(prefix));
        Ok(())
    })
}

/// Replaces marks from left to right; marks inside of values stay.
fn replaced(form: &str, marks: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut rest = form;
    for (mark, value) in marks {
        if let Some((before, after)) = rest.split_once(mark) {
            text.push_str(before);
            text.push_str(value);
            rest = after;
        }
    }
    text + rest
}

/// `creationbench`: the columns `gpt4_prefix` and `gpt4_suffix` around an answer, in the language of the question.
fn creationbench(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    let told: BTreeMap<String, String> =
        serde_json::from_str(CREATIONBENCH).map_err(|error| format!("embedded instructions: {error}"))?;
    each(rows, |columns| {
        let language = text(columns, "/others/language")?;
        let told = told.get(language);
        let told = told.ok_or_else(|| format!("language: found {language}, expected zh or en"))?;
        let question = python_str(value(columns, "question")?);
        let (prefix, suffix) = if language == "zh" {
            (format!("{told}创作类问题：{question}\n[模型回答开始]\n"), "\n[模型回答结束]\n")
        } else {
            let prefix = format!("{told}Creative Question: {question}\n[Model's response start]\n");
            (prefix, "\n[Model's response end]\n")
        };
        columns.insert("gpt4_prefix".to_owned(), Value::String(prefix));
        columns.insert("gpt4_suffix".to_owned(), Value::from(suffix));
        Ok(())
    })
}

/// `rolebench`: questions to roles with the roles' descriptions. The files are read whole: the descriptions, then any
/// number of files with one question per line.
fn rolebench(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    if rows.is_empty() {
        return Ok(rows);
    }
    let roles: BTreeMap<String, String> = file(&rows, 0, "the descriptions of the roles")?;
    let mut questions = Vec::new();
    for (place, row) in rows.iter().enumerate().skip(1) {
        for (line, question) in text(row, "text")?.lines().enumerate() {
            if question.trim().is_empty() {
                continue;
            }
            let named = |message: String| format!("file {}, line {}: {message}", place + 1, line + 1);
            let mut columns: Columns =
                serde_json::from_str(question).map_err(|error| named(error.to_string()))?;
            let role = text(&columns, "role").map_err(named)?;
            let description = roles.get(role).cloned();
            let description =
                description.ok_or_else(|| named(format!("role: found {role}, expected a known one")))?;
            let answer = value(&columns, "/generated/0").map_err(named)?.clone();
            columns.insert("desc".to_owned(), Value::String(description));
            columns.insert("answer".to_owned(), answer);
            questions.push(columns);
        }
    }
    Ok(questions)
}

#[cfg(test)]
mod tests;
