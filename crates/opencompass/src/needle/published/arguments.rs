//! The arguments of the loader `needle_set`.

use serde::Deserialize;

use crate::needle::config::{Language, NeedleConfig, Task};
use crate::needle::source_files::{Number, Numbers};

/// Maximum number of relations.
const RELATIONS: usize = 10_000;

/// The edition of NeedleBench, with its own prompts and facts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Edition {
    /// OpenCompass `datasets/needlebench`.
    First,
    /// OpenCompass `datasets/needlebench_v2`.
    Second,
}

/// How the first edition words its questions: upstream's `guide`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Wording {
    /// As the file of facts has them.
    #[default]
    Plain,
    /// With the advice to consider what is relevant.
    Guided,
    /// The same as the beginning of an answer, for models that complete texts.
    Completed,
}

/// The arguments; numbers may be texts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Prompts and facts.
    pub(super) edition: Edition,
    /// Kind of question.
    task: Task,
    /// Language of prompts, facts and names.
    #[serde(default)]
    language: Language,
    /// Wording of the first edition's questions.
    #[serde(default)]
    pub(super) wording: Wording,
    /// Numbers of tokens of document and buffer.
    #[serde(default)]
    lengths: Numbers,
    /// Depths in percent.
    #[serde(default)]
    depths: Numbers,
    /// Tokens that are left free for the question and the answer.
    #[serde(default)]
    buffer: Number,
    /// Questions per length and depth.
    repeats: Number,
    /// Number of relations of `multi` and `trace`.
    #[serde(default)]
    needles: Number,
    /// Distance of the needles of `multi` in percent.
    #[serde(default)]
    gap: Number,
    /// Path of a tokenizer in place of GPT-4's vocabulary.
    pub(super) tokenizer: Option<String>,
}

impl Arguments {
    /// Checks the arguments and returns what the questions are made from.
    pub(super) fn config(&self) -> Result<NeedleConfig, String> {
        let percent = |key: &str, number: usize| match u32::try_from(number) {
            Ok(number) if number <= 100 => Ok(number),
            _ => Err(format!("{key}: found {number}, expected 0 to 100 percent")),
        };
        let depths = self.depths.0.iter().map(|depth| percent("depths", *depth));
        let config = NeedleConfig {
            task: self.task,
            language: self.language,
            lengths: self.lengths.0.clone(),
            depths: depths.collect::<Result<_, _>>()?,
            buffer: self.buffer.0,
            repeats: self.repeats.0,
            needles: self.needles.0,
            gap: percent("gap", self.gap.0)?,
            ..NeedleConfig::default()
        };
        if config.task != Task::Trace && (config.lengths.is_empty() || config.depths.is_empty()) {
            return Err("lengths and depths: found none, expected at least one of each".to_owned());
        }
        if matches!(config.task, Task::Multi | Task::Trace) && !(1..=RELATIONS).contains(&config.needles) {
            return Err(format!("needles: found {}, expected 1 to {RELATIONS} relations", config.needles));
        }
        if config.task == Task::Trace && self.edition == Edition::First {
            return Err("edition: found first, expected second for the task trace".to_owned());
        }
        if self.wording != Wording::Plain && self.edition == Edition::Second {
            return Err("wording: found one in the second edition, expected the first".to_owned());
        }
        Ok(config)
    }
}
