//! `lawbench_2_1`: F0.5 of the edits of all sentences.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::edits::{Counts, Edits};
use super::letters::{FILES, Letters};
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::law::grade::unexpected;
use crate::score::law::parallel::on_all_processors;
use crate::score::text::words::built_in;
use crate::score::verdict::{answered, detail};
use crate::score::{Evaluate, Metrics, Reading, ScoredItem, Scores};
use crate::{Error, Result};

/// What is in front of the sentence in a prompt.
const MARK: &str = "句子：\n";
/// What stands for an empty answer.
const NOTHING: &str = "无内容";
/// Number of letters that an answer may be longer than the reference. The rest is cut off.
const LONGER: usize = 5;

static BREAKS: LazyLock<Regex> = LazyLock::new(|| built_in("\n|\t"));

/// Compares corrections with those of the reference.
///
/// Upstream takes the first sentence of the prompt for the question, which with an example in front is the example's.
/// The reading `Fixed` takes the last.
pub(in crate::score::law) struct Correction {
    letters: Letters,
    reading: Reading,
}

impl Correction {
    /// Creates the evaluator from the user's files that the dataset names in `source.resources`.
    pub(in crate::score::law) fn create(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        setup.named.no_arguments()?;
        if let Some(missing) = FILES.iter().find(|name| !setup.dataset.source.resources.contains_key(**name))
        {
            return Err(Error::Value {
                place: "source.resources".to_owned(),
                found: format!("no `{missing}`"),
                expected: format!("the files {}, which `{}` reads", FILES.join(", "), setup.named.name()),
            });
        }
        Ok(Box::new(Self { letters: Letters::read(setup.resources), reading: setup.reading }))
    }

    /// Compares one answer with its reference.
    fn counts(&self, item: &ScoredItem<'_>) -> Result<Counts, String> {
        let question = prompt(&item.prediction.record);
        let place = match self.reading {
            Reading::Compat => question.find(MARK),
            Reading::Fixed => question.rfind(MARK),
        };
        let place = place.ok_or_else(|| format!("prompt: found `{question}`, expected `{}`", MARK.trim()))?;
        let source = question[place + MARK.len()..].split('\n').next().unwrap_or_default();
        let reference = python_str(&item.answer);
        if reference.trim().is_empty() {
            return Err(unexpected(&reference, "a text"));
        }
        let answer = if item.is_answered() { item.pred_text() } else { String::new() };
        let answer: String =
            BREAKS.replace_all(&answer, "").chars().take(reference.chars().count() + LONGER).collect();
        let answer = if answer.is_empty() { NOTHING } else { answer.as_str() };
        let edits =
            |text: &str| Edits::new(&self.letters, &source.replace('\t', ""), &BREAKS.replace_all(text, ""));
        Ok(Counts::new(&edits(answer), &edits(&reference)))
    }
}

/// The prompt of a prediction as text; of a conversation, its first message.
fn prompt(record: &Value) -> String {
    match &record["origin_prompt"] {
        Value::Array(messages) => {
            messages.first().map_or_else(String::new, |first| python_str(&first["prompt"]))
        }
        other => python_str(other),
    }
}

impl Evaluate for Correction {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let mut total = Counts::default();
        let mut details = Vec::with_capacity(items.len());
        for (item, counts) in items.iter().zip(on_all_processors(items, |item| self.counts(item))) {
            let mut detail = detail(item);
            match counts {
                Ok(counts) => {
                    total.add(counts);
                    detail.score = Some(if item.is_answered() { counts.f_half() } else { 0.0 });
                    let numbers = [("tp", counts.right), ("fp", counts.wrong), ("fn", counts.missing)];
                    let numbers = numbers.into_iter().map(|(name, number)| (name.to_owned(), json!(number)));
                    detail.extra.extend(numbers);
                }
                Err(reason) => (detail.score, detail.reason) = (Some(0.0), Some(reason)),
            }
            details.push(detail);
        }
        let mut metrics = Metrics::new();
        if !items.is_empty() {
            metrics.insert("score".to_owned(), 100.0 * total.f_half());
        }
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}
