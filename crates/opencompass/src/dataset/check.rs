//! The checks of a dataset file beyond the types of its values.

use super::{DatasetConfig, Evaluator, Mode, Retriever};

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
        problems.extend(crate::score::problems(&self.score, &self.reader));
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
        let measures = self.score.evaluator == Evaluator::BitsPerByte;
        if measures != (mode == Mode::Rolling) {
            problems.push(
                "score.evaluator: bits_per_byte requires infer.mode = \"rolling\" and vice versa".to_owned(),
            );
        }
        if mode == Mode::Rolling {
            if self.reader.input.len() != 1 {
                problems.push("reader.input: expected the one column that holds the text".to_owned());
            }
            return problems;
        }
        match self.prompt.template() {
            Err(problem) => problems.push(problem),
            Ok(template) => {
                let labels = template.labels().len();
                if mode == Mode::Ppl && labels < 2 {
                    problems
                        .push(format!("prompt.labels: found {labels}, expected two or more for mode ppl"));
                }
                if mode != Mode::Ppl && labels > 0 {
                    problems.push("prompt.labels: only mode ppl has labels".to_owned());
                }
            }
        }
        if self.reader.output.is_none() {
            problems.push("reader.output: found none, expected the column of the expected answer".to_owned());
        }
        if mode != Mode::Chat && !self.infer.tools.is_empty() {
            problems.push("infer.tools: only mode chat offers tools".to_owned());
        }
        if self.score.evaluator == Evaluator::ToolCall && self.infer.tools.is_empty() {
            problems.push(
                "infer.tools: found none, expected the tools that the evaluator tool_call looks for"
                    .to_owned(),
            );
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
