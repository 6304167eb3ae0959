//! [`Facts`]: what a repeat of a published set hides and asks.

use serde::Deserialize;

use super::arguments::{Arguments, Edition};
use super::wording::worded;
use crate::needle::config::{NeedleConfig, Task};
use crate::needle::question::Question;
use crate::needle::sources::NeedleSources;
use crate::random::PythonRandom;

/// The facts of a set's second file.
pub(super) enum Facts {
    /// Needles or names.
    Sources(NeedleSources),
    /// Relations of the first edition, with their questions.
    Derivations(Vec<Derivation>),
}

/// A record of upstream's `multi_needle_reasoning_en.json`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Derivation {
    /// Number of relations.
    #[serde(default)]
    derivation_count: usize,
    /// The relations, each a needle.
    derivations: Vec<String>,
    /// The question about all of them.
    question: String,
    /// The expected answer, whose words are the keywords.
    answer: String,
}

impl Facts {
    /// Says what the second file of a set is.
    pub(super) fn file(task: Task, edition: Edition) -> &'static str {
        match (task, edition) {
            (Task::Multi, Edition::First) => "relations such as multi_needle_reasoning_en.json",
            (Task::Multi | Task::Trace, _) => "names such as names.json",
            (Task::Single | Task::Parallel, _) => "needles such as needles.jsonl",
        }
    }

    /// Parses the second file of a set.
    pub(super) fn parse(config: &NeedleConfig, edition: Edition, text: &str) -> Result<Self, String> {
        let sources = NeedleSources::default();
        let sources = match (config.task, edition) {
            (Task::Multi, Edition::First) => {
                let records = serde_json::from_str(text);
                return records.map(Self::Derivations).map_err(|error| format!("relations: {error}"));
            }
            (Task::Multi | Task::Trace, _) => sources.with_names(text, config.language),
            (Task::Single | Task::Parallel, _) => sources.with_needles(text),
        };
        sources.map(Self::Sources).map_err(|error| error.to_string())
    }

    /// Draws the question of a repeat.
    pub(super) fn draw(
        &self,
        config: &NeedleConfig,
        arguments: &Arguments,
        repeat: usize,
    ) -> Result<Question, String> {
        let mut question = match self {
            Self::Sources(sources) => {
                Question::draw(config, sources, repeat).map_err(|error| error.to_string())?
            }
            Self::Derivations(records) => derived(records, config.needles, repeat)?,
        };
        question.question = worded(config.task, config.language, arguments.wording, &question.question)?;
        Ok(question)
    }
}

/// Chooses one of the records with so many relations.
fn derived(records: &[Derivation], needles: usize, repeat: usize) -> Result<Question, String> {
    let known: Vec<&Derivation> =
        records.iter().filter(|record| record.derivation_count == needles).collect();
    if known.is_empty() {
        return Err(format!("relations: found none with derivation_count {needles}, expected at least one"));
    }
    let record = *PythonRandom::new(repeat as u64).choice(&known);
    Ok(Question {
        needles: record.derivations.clone(),
        question: record.question.clone(),
        answer: format!("{0}*{0}", record.answer),
        last_person: String::new(),
    })
}
