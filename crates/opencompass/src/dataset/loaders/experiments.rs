//! Loader of CIBench: an experiment in a notebook becomes a conversation with its expected outputs.

use serde::Deserialize;
use serde_json::{Value, json};

use super::cell::{arguments, each, text};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] =
    &[LoaderEntry { name: "experiments", upstream: &["CIBenchDataset"], load: experiments }];

/// Language of the sentence that names the modules.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Language {
    #[default]
    En,
    Zh,
}

impl Language {
    /// The sentence that names the modules of one step, which may be several with `&` between them.
    fn modules(self, modules: &str) -> String {
        let names: Vec<&str> = modules.split('&').map(str::trim).collect();
        match self {
            Self::En => format!("Please use {} modules.", names.join(" and ")),
            Self::Zh => format!("请用 {} 模块.", names.join(" 和 ")),
        }
    }
}

/// `experiments`: the column `text` is a notebook, as JSON or as the Markdown of jupytext. The column `questions` becomes
/// the conversation, whose answers are a thought, `**split**` and code; `references` has outputs and kinds of steps.
/// Markdown has no outputs.
fn experiments(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        #[serde(default)]
        language: Language,
    }
    let Arguments { language } = arguments(named)?;
    each(rows, |columns| {
        let source = text(columns, "text")?;
        let experiment = match serde_json::from_str::<Value>(source) {
            Ok(notebook) => Experiment::from_notebook(&notebook),
            Err(_) => Experiment::from_markdown(source)?,
        };
        if experiment.steps.is_empty() {
            return Err("text: found no code, expected the cells of an experiment".to_owned());
        }
        columns.insert("questions".to_owned(), experiment.questions(language));
        columns.insert("references".to_owned(), experiment.references());
        Ok(())
    })
}

/// One question with its code and its output.
#[derive(Clone, Debug, Default, PartialEq)]
struct Step {
    question: String,
    code: String,
    /// Kind of the output, and the output: a text, an image in base64, or null.
    output: (&'static str, Value),
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Experiment {
    steps: Vec<Step>,
    /// Kinds of steps, if the notebook says them.
    step_types: Vec<String>,
    /// Modules of each step, if the notebook says them.
    modules: Vec<String>,
}

impl Experiment {
    fn from_notebook(notebook: &Value) -> Self {
        let list = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let metadata = &notebook["metadata"];
        let mut experiment = Self {
            step_types: list(&metadata["step_types"]),
            modules: list(&metadata["modules"]),
            steps: Vec::new(),
        };
        let mut question = String::new();
        for cell in notebook["cells"].as_array().into_iter().flatten() {
            let source = joined(&cell["source"]);
            if cell["cell_type"] == "markdown" {
                source.trim().clone_into(&mut question);
            } else if cell["cell_type"] == "code" {
                let (question, output) = (std::mem::take(&mut question), output(&cell["outputs"]));
                experiment.steps.push(Step { question, code: source, output });
            }
        }
        experiment
    }

    fn from_markdown(source: &str) -> Result<Self, String> {
        let mut experiment = Self::default();
        let body = match source.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")) {
            Some((head, body)) => {
                experiment.read_head(head);
                body
            }
            None => source,
        };
        let mut rest = body;
        while let Some((question, more)) = rest.split_once("```python\n") {
            let (code, more) = more.split_once("```").ok_or("text: found a block of code without an end")?;
            experiment.steps.push(Step {
                question: question.trim().to_owned(),
                code: code.trim_end().to_owned(),
                output: ("exec", Value::Null),
            });
            rest = more;
        }
        Ok(experiment)
    }

    /// Reads the two lists of the head, which is YAML with one item per line.
    fn read_head(&mut self, head: &str) {
        let mut section = "";
        for line in head.lines().map(str::trim) {
            match (line.strip_prefix("- "), section) {
                (Some(item), "step_types:") => self.step_types.push(item.to_owned()),
                (Some(item), "modules:") => self.modules.push(item.to_owned()),
                (Some(_), _) => {}
                (None, _) => section = line,
            }
        }
    }

    fn questions(&self, language: Language) -> Value {
        let messages = self.steps.iter().enumerate().flat_map(|(place, step)| {
            let parts = step.question.split_once("\n\nThought: ");
            let (question, thought) = parts.unwrap_or((step.question.as_str(), " "));
            let modules =
                self.modules.get(place).map(|modules| language.modules(modules)).unwrap_or_default();
            let question = format!("{}\n", format!("{question}{modules}").trim());
            let answer = format!("{thought}**split**{}", step.code);
            [
                json!({ "role": "user", "content": question }),
                json!({ "role": "assistant", "content": answer }),
            ]
        });
        messages.collect()
    }

    fn references(&self) -> Value {
        let tags: Value = self.steps.iter().map(|step| step.output.0).collect();
        let outputs: Value = self.steps.iter().map(|step| step.output.1.clone()).collect();
        let metadata = json!({ "step_types": self.step_types, "modules": self.modules });
        json!({ "outputs": outputs, "tags": tags, "metadata": metadata })
    }
}

/// The text of a cell, which is a text or a list of lines.
fn joined(source: &Value) -> String {
    match source {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

/// The image of a cell, or else its last text.
fn output(outputs: &Value) -> (&'static str, Value) {
    let outputs = || outputs.as_array().into_iter().flatten();
    let image = outputs().filter(|output| output["output_type"] == "display_data");
    if let Some(image) = image.filter_map(|output| output["data"].get("image/png")).next() {
        return ("vis", joined(image).into());
    }
    let text = |output: &Value| match output["output_type"].as_str() {
        Some("stream") if output["name"] == "stdout" => Some(joined(&output["text"])),
        Some("execute_result") => Some(joined(&output["data"]["text/plain"])),
        _ => None,
    };
    let texts: Vec<String> = outputs().filter_map(text).collect();
    texts.last().map_or(("exec", Value::Null), |text| ("general", text.as_str().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(source: &str) -> Columns {
        let row = Columns::from_iter([("text".to_owned(), Value::from(source))]);
        let rows = experiments(&Named::new("experiments"), vec![row]).expect("loads");
        rows.into_iter().next().expect("one experiment")
    }

    #[test]
    fn markdown_and_notebooks_become_conversations() {
        let source = "---\njupyter:\n  step_types:\n    - exec\n    - num\n  modules:\n    - pandas\n    - a&b\n---\n\n\
                      File\n\nLoad it.\n\n```python\nx = 1\n```\n\nShow it.\n\n```python\nif x:\n    x\n```";
        let row = loaded(source);
        let expected = json!([
            { "role": "user", "content": "File\n\nLoad it.Please use pandas modules.\n" },
            { "role": "assistant", "content": " **split**x = 1" },
            { "role": "user", "content": "Show it.Please use a and b modules.\n" },
            { "role": "assistant", "content": " **split**if x:\n    x" },
        ]);
        assert_eq!(row["questions"], expected);
        let references = &row["references"];
        assert_eq!(
            (&references["outputs"], &references["metadata"]["step_types"]),
            (&json!([null, null]), &json!(["exec", "num"]))
        );
        let notebook = json!({"metadata": {}, "cells": [
            {"cell_type": "markdown", "source": ["Add.\n\n", "Thought: easy"]},
            {"cell_type": "code", "source": "1 + 1", "outputs": [
                {"output_type": "execute_result", "data": {"text/plain": ["2"]}}]},
            {"cell_type": "markdown", "source": "Draw."},
            {"cell_type": "code", "source": "plot()", "outputs": [
                {"output_type": "display_data", "data": {"image/png": "AAAA"}}]},
        ]});
        let row = loaded(&notebook.to_string());
        assert_eq!(row["questions"][1]["content"], "easy**split**1 + 1");
        assert_eq!(
            (&row["references"]["tags"], &row["references"]["outputs"]),
            (&json!(["general", "vis"]), &json!(["2", "AAAA"]))
        );
    }
}
