//! Makes multiple-choice questions from plain documents: which of four texts continues the context?
//!
//! A window of words is cut out of each document. Its beginning is the context and its rest the right choice;
//! the wrong choices are the rests of other documents' windows. Everything is drawn from the configured seed,
//! so the same documents give the same questions.

use internlm_kit::rng::CounterRng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::columns::Columns;

/// Letters of the choices.
const LETTERS: [&str; 4] = ["A", "B", "C", "D"];

/// The `[source.continuation_choices]` table: how questions are cut out of documents.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ContinuationChoices {
    /// Column of the document's text.
    pub column: String,
    /// Number of words of the context.
    pub context_words: usize,
    /// Number of words of each choice.
    pub choice_words: usize,
    /// Maximum number of questions.
    pub count: usize,
    /// Seed of the windows, the wrong choices and the letter of the right one.
    pub seed: u64,
}

impl ContinuationChoices {
    /// Makes questions with the columns `context`, `A` to `D` and `answer`. Runs of white space become one
    /// space.
    ///
    /// # Errors
    /// A message, when a document lacks the column or fewer than four documents are long enough.
    pub(super) fn questions(&self, documents: &[Columns]) -> Result<Vec<Columns>, String> {
        let windows = self.windows(documents)?;
        if windows.len() < LETTERS.len() {
            return Err(format!(
                "found {} document(s) of at least {} words, expected {} or more",
                windows.len(),
                self.context_words + self.choice_words,
                LETTERS.len()
            ));
        }
        let rng = CounterRng::new(self.seed, "continuation choices");
        let questions = windows.iter().enumerate().take(self.count).map(|(index, (context, rest))| {
            let rng = rng.split(index as u64);
            let others: Vec<&String> =
                windows.iter().map(|(_, rest)| rest).filter(|other| *other != rest).collect();
            let mut choices: Vec<&String> = rng
                .split(1)
                .permutation(others.len())
                .into_iter()
                .take(LETTERS.len() - 1)
                .map(|other| others[other])
                .collect();
            let right = rng.below(0, LETTERS.len() as u64) as usize;
            choices.insert(right.min(choices.len()), rest);
            let mut columns = Columns::from_iter([("context".to_owned(), json!(context))]);
            for (letter, choice) in LETTERS.iter().zip(&choices) {
                columns.insert((*letter).to_owned(), json!(choice));
            }
            columns.insert("answer".to_owned(), json!(LETTERS[right.min(choices.len() - 1)]));
            columns
        });
        Ok(questions.collect())
    }

    /// Cuts context and rest out of every document that is long enough.
    fn windows(&self, documents: &[Columns]) -> Result<Vec<(String, String)>, String> {
        let rng = CounterRng::new(self.seed, "continuation window");
        let length = self.context_words + self.choice_words;
        let mut windows = Vec::new();
        for (index, document) in documents.iter().enumerate() {
            let Some(Value::String(text)) = document.get(&self.column) else {
                return Err(format!("row {index}: found no text in the column `{}`", self.column));
            };
            let words: Vec<&str> = text.split_whitespace().collect();
            if words.len() < length {
                continue;
            }
            let start = rng.below(index as u64, (words.len() - length + 1) as u64) as usize;
            let (context, rest) = words[start..start + length].split_at(self.context_words);
            windows.push((context.join(" "), format!(" {}", rest.join(" "))));
        }
        Ok(windows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(count: usize) -> Vec<Columns> {
        let text = |document: usize| (0..50).map(|word| format!("d{document}w{word} ")).collect::<String>();
        (0..count).map(|index| Columns::from_iter([("content".to_owned(), json!(text(index)))])).collect()
    }

    fn config() -> ContinuationChoices {
        ContinuationChoices {
            column: "content".to_owned(),
            context_words: 6,
            choice_words: 3,
            count: 20,
            seed: 1,
        }
    }

    #[test]
    fn the_answer_continues_the_context_and_letters_vary() {
        let questions = config().questions(&documents(30)).expect("enough documents");
        assert_eq!(questions.len(), 20);
        let mut letters = std::collections::BTreeSet::new();
        for question in &questions {
            let text = |name: &str| question[name].as_str().expect("a string").to_owned();
            let document = text("context")[..3].split('w').next().expect("a word").to_owned();
            let continues = |letter: &&str| text(letter).trim_start().starts_with(&format!("{document}w"));
            let right: Vec<&str> = LETTERS.into_iter().filter(|letter| continues(letter)).collect();
            assert_eq!(right, [text("answer")], "{question:?}");
            letters.insert(text("answer"));
        }
        assert_eq!(letters.len(), 4);
        assert_eq!(questions, config().questions(&documents(30)).expect("the same"));
    }

    #[test]
    fn too_few_documents_are_an_error() {
        let error = config().questions(&documents(3)).expect_err("three documents");
        assert!(error.contains("found 3 document(s) of at least 9 words"), "{error}");
    }
}
