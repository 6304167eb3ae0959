//! Datasets of a user's file without any configuration: multiple choice (`mcq`) or questions and answers (`qa`).
//!
//! Columns are those of OpenCompass' custom datasets (`datasets/custom.py`, Apache-2.0): a file
//! with `question`, `A`, `B`, ... and `answer` is multiple choice, one with `question` and `answer` is not. Prompts are
//! upstream's; letters are read by `first_option_postprocess` and not by the similarity of texts.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::columns::Columns;
use super::{DatasetConfig, SourceConfig, table};
use crate::{Error, Result};

/// What a custom file has.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CustomKind {
    /// A question, options A, B, C, ... and the letter of the answer.
    Mcq,
    /// A question and its answer as text.
    Qa,
}

/// How a custom file is asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CustomMethod {
    /// The model answers the question in words.
    Gen,
    /// The option with the lowest perplexity wins. Only for multiple choice.
    Ppl,
}

impl DatasetConfig {
    /// Creates the dataset of a `.jsonl` or `.csv` file from its first row. `kind` is guessed if it is absent: a file
    /// with the columns `A` and `B` is multiple choice. The default method is `gen`.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read; [`Error::Content`] when it has no row or lacks a column, or the
    /// method does not fit.
    pub fn custom(
        path: impl AsRef<Path>,
        kind: Option<CustomKind>,
        method: Option<CustomMethod>,
    ) -> Result<Self> {
        let path = path.as_ref();
        let fail = |message: String| Error::Content { path: path.to_path_buf(), message };
        let format = match path.extension().and_then(|extension| extension.to_str()) {
            Some(format @ ("jsonl" | "csv")) => format,
            _ => return Err(fail("found another ending, expected .jsonl or .csv".to_owned())),
        };
        let source = json!({ "files": [path.display().to_string()], "format": format });
        let unfit = |error: serde_json::Error| fail(error.to_string());
        let files: SourceConfig = serde_json::from_value(source.clone()).map_err(unfit)?;
        let rows = table::rows(&internlm_kit::file::read(path)?, &files).map_err(fail)?;
        let first = rows.first().ok_or_else(|| fail("found no rows, expected at least one".to_owned()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut config = json!({
            "name": name,
            "source": source,
            "reader": { "output": "answer" },
            "infer": { "mode": "gen" },
            "score": { "evaluator": "acc" },
            "meta": { "group": "custom" },
        });
        describe(&mut config, first, kind, method).map_err(fail)?;
        serde_json::from_value(config).map_err(unfit)
    }
}

/// Fills in columns, prompt and score.
fn describe(
    config: &mut Value,
    first: &Columns,
    kind: Option<CustomKind>,
    method: Option<CustomMethod>,
) -> Result<(), String> {
    let options: Vec<String> =
        ('A'..='Z').map(String::from).take_while(|letter| first.contains_key(letter)).collect();
    let guessed = if options.len() > 1 { CustomKind::Mcq } else { CustomKind::Qa };
    let kind = kind.unwrap_or(guessed);
    for column in ["question", "answer"] {
        if !first.contains_key(column) {
            let known: Vec<&str> = first.keys().map(String::as_str).collect();
            return Err(format!("found the columns {}, expected `{column}`", known.join(", ")));
        }
    }
    match (kind, method.unwrap_or(CustomMethod::Gen)) {
        (CustomKind::Mcq, _) if options.len() < 2 => {
            return Err(format!("found {} option(s), expected the columns A, B and so on", options.len()));
        }
        (CustomKind::Mcq, CustomMethod::Gen) => {
            let letters: String = options.concat();
            config["prompt"] = turns(&choices(&options), "Answer: {answer}");
            config["score"]["post"] = json!([{ "name": "first_option_postprocess", "options": letters }]);
        }
        (CustomKind::Mcq, CustomMethod::Ppl) => {
            let label =
                |letter: &String| (letter.clone(), turns(&choices(&options), &format!("Answer: {letter}")));
            config["prompt"] = json!({ "labels": options.iter().map(label).collect::<Map<_, _>>() });
            config["infer"]["mode"] = json!("ppl");
        }
        (CustomKind::Qa, CustomMethod::Gen) => {
            config["prompt"] = turns("{question}", "{answer}");
        }
        (CustomKind::Qa, CustomMethod::Ppl) => {
            return Err("found the method ppl for questions and answers, expected gen".to_owned());
        }
    }
    let input: Vec<&String> = first.keys().filter(|column| *column != "answer").collect();
    config["reader"]["input"] = json!(input);
    Ok(())
}

/// A question and its answer, which is empty when the model is asked for it.
fn turns(question: &str, answer: &str) -> Value {
    json!({ "rounds": [{ "role": "HUMAN", "prompt": question }, { "role": "BOT", "prompt": answer }] })
}

/// The question with one line per option.
fn choices(options: &[String]) -> String {
    let lines: String = options.iter().map(|letter| format!("\n{letter}. {{{letter}}}")).collect();
    format!("Question: {{question}}{lines}")
}
