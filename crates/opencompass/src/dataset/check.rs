//! The checks of a dataset file beyond the types of its values.

use internlm_model::chat::FunctionDefinition;

use super::unused::word;
use super::{DatasetConfig, Mode, Retriever, loaders};

/// The evaluator of texts that are only measured.
const BITS_PER_BYTE: &str = "bits_per_byte";

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
        let source = &self.source;
        for (key, loader) in
            [("loader", Some(&source.loader)), ("train_loader", source.train_loader.as_ref())]
        {
            let problem = loader.and_then(|loader| loaders::problem(loader));
            problems.extend(problem.map(|problem| format!("source.{key}: {problem}")));
        }
        let pointers = self.infer.upstream.keys().filter(|pointer| !pointer.starts_with('/'));
        problems
            .extend(pointers.map(|pointer| {
                format!("infer.upstream: found `{pointer}`, expected a JSON pointer as /a/b")
            }));
        problems.extend(self.mode_problems());
        problems.extend(self.few_shot_problems());
        problems.extend(self.unused_settings());
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
            let expected = if self.infer.window.is_some() { "bpc or bits_per_byte" } else { BITS_PER_BYTE };
            if !expected.split(" or ").any(|known| known == evaluator) {
                problems.push(format!(
                    "score.evaluator: found {evaluator}, expected {expected} for mode rolling"
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
            // Lists of messages and conversations in columns need no template.
            Err(_) if self.needs_no_template() => {}
            Err(problem) => problems.push(problem.to_string()),
            Ok(template) => {
                let labels = template.labels().len();
                let by_label = matches!(mode, Mode::Ppl | Mode::Loglikelihood);
                if by_label && labels < 2 {
                    problems.push(format!(
                        "prompt.labels: found {labels}, expected two or more for mode {mode_word}"
                    ));
                }
                if !by_label && mode != Mode::PplOnly && labels > 0 {
                    problems.push(format!(
                        "prompt.labels: found {labels} in mode {mode_word}, expected mode ppl or loglikelihood"
                    ));
                }
            }
        }
        if self.reader.output.is_none() && mode != Mode::PplOnly {
            problems.push("reader.output: found none, expected the column of the expected answer".to_owned());
        }
        if !self.prompt.messages.is_empty() && self.prompt.template().is_ok() {
            problems.push("prompt.messages: found it next to another template, expected only one".to_owned());
        }
        if self.infer.normalizing_str.is_some() && self.prompt.sep_token.is_none() {
            problems.push(
                "prompt.sep_token: found none, expected the mark that normalizing_str needs".to_owned(),
            );
        }
        problems.extend(self.tool_problems());
        problems
    }

    fn needs_no_template(&self) -> bool {
        let prompt = &self.prompt;
        let none = prompt.text.is_none() && prompt.rounds.is_empty() && prompt.labels.is_empty();
        none && (!prompt.messages.is_empty() || matches!(self.infer.mode, Mode::Chat | Mode::Agent))
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
        if self.few_shot.retriever == Retriever::Fixk && self.few_shot.ids.is_empty() {
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
