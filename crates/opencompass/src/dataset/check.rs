//! The checks of a dataset file beyond the types of its values.

use internlm_model::chat::FunctionDefinition;
use serde::Serialize;

use super::{DatasetConfig, Mode, Retriever};

/// The evaluator of texts that are only measured.
const BITS_PER_BYTE: &str = "bits_per_byte";

/// Returns the word that the file uses for a mode.
fn word(choice: impl Serialize) -> String {
    let value = serde_json::to_value(choice).expect("a choice without data is one word");
    value.as_str().unwrap_or_default().to_owned()
}

impl DatasetConfig {
    /// Lists everything that is wrong with the file although each value has the right type.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.name.is_empty() || self.name.contains(['/', '\\']) {
            problems.push(format!("name: found `{}`, expected a word without slashes", self.name));
        }
        if self.source.files.is_empty() {
            problems.push("source.files: found none, expected at least one file".to_owned());
        }
        if !self.source.sha256.is_empty() && self.source.sha256.len() != self.source.files.len() {
            let (found, expected) = (self.source.sha256.len(), self.source.files.len());
            problems.push(format!("source.sha256: found {found}, expected one per file, {expected}"));
        }
        problems.extend(self.mode_problems());
        problems.extend(self.few_shot_problems());
        problems.extend(crate::score::problems(self));
        if let Some(output) = &self.reader.output
            && self.reader.input.contains(output)
        {
            problems.push(format!("reader.input: found the output column `{output}`, expected only inputs"));
        }
        problems
    }

    fn mode_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mode = self.infer.mode;
        let evaluator = self.score.evaluator.name();
        if mode == Mode::Rolling {
            if evaluator != BITS_PER_BYTE {
                problems.push(format!(
                    "score.evaluator: found {evaluator}, expected {BITS_PER_BYTE} for mode rolling"
                ));
            }
            let columns = self.reader.input.len();
            if columns != 1 {
                problems.push(format!(
                    "reader.input: found {columns} columns, expected the one that holds the text"
                ));
            }
            return problems;
        }
        let mode_word = word(mode);
        if evaluator == BITS_PER_BYTE {
            problems
                .push(format!("infer.mode: found {mode_word}, expected rolling for evaluator bits_per_byte"));
        }
        match self.prompt.template() {
            Err(problem) => problems.push(problem.to_string()),
            Ok(template) => {
                let labels = template.labels().len();
                if mode == Mode::Ppl && labels < 2 {
                    problems
                        .push(format!("prompt.labels: found {labels}, expected two or more for mode ppl"));
                }
                if mode != Mode::Ppl && labels > 0 {
                    problems.push(format!(
                        "prompt.labels: found {labels} in mode {mode_word}, expected mode ppl"
                    ));
                }
            }
        }
        if self.reader.output.is_none() {
            problems.push("reader.output: found none, expected the column of the expected answer".to_owned());
        }
        problems.extend(self.tool_problems());
        problems
    }

    fn tool_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let tools = &self.infer.tools;
        if self.infer.mode != Mode::Chat && !tools.is_empty() {
            let (found, mode) = (tools.len(), word(self.infer.mode));
            problems.push(format!("infer.tools: found {found} in mode {mode}, expected mode chat"));
        }
        if self.score.evaluator.name() == "tool_call" && tools.is_empty() {
            problems.push(
                "infer.tools: found none, expected the tools that the evaluator tool_call looks for"
                    .to_owned(),
            );
        }
        for (index, tool) in tools.iter().enumerate() {
            if let Err(error) = serde_json::from_value::<FunctionDefinition>(tool.clone()) {
                problems.push(format!("infer.tools.{index}: found {tool}, expected a function ({error})"));
            }
        }
        problems
    }

    fn few_shot_problems(&self) -> Vec<String> {
        if self.few_shot.retriever == Retriever::Zero {
            return Vec::new();
        }
        let mut problems = Vec::new();
        if self.few_shot.ids.is_empty() {
            problems.push("few_shot.ids: found none, expected rows of the train files".to_owned());
        }
        if self.source.train_files.is_empty() {
            problems.push(
                "source.train_files: found none, expected the files that examples are taken from".to_owned(),
            );
        }
        if self.prompt.ice_token.is_none() {
            problems
                .push("prompt.ice_token: found none, expected the mark that the examples replace".to_owned());
        }
        problems
    }
}
