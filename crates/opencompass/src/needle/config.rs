//! [`NeedleConfig`]: which questions are made.

use serde::{Deserialize, Serialize};

use super::haystack::value;
use crate::Result;

/// What a question asks for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// One fact has to be found (S-RT).
    #[default]
    Single,
    /// One fact at each depth, all asked at once (M-RT).
    Parallel,
    /// The eldest ancestor, from relations in different places (M-RS).
    Multi,
    /// A chain of relations without other text (ATC).
    Trace,
}

/// The language of texts, needles and prompts.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English prompts and names.
    #[default]
    En,
    /// Chinese prompts and names.
    Zh,
}

impl Language {
    /// Returns the name of the language in upstream's files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Zh => "Chinese",
        }
    }
}

/// Where the question is put.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum QuestionPosition {
    /// The question comes behind the document.
    #[default]
    End,
    /// The question comes before the document.
    Start,
}

/// What is asked about a chain of relations.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceQuestion {
    /// The eldest ancestor of the youngest person.
    Eldest,
    /// The ancestor of the youngest person after so many generations.
    Ancestor,
    /// The descendant of the eldest person after so many generations.
    Descendant,
    /// The number of generations between the two.
    Distance,
}

impl TraceQuestion {
    /// All of them, in the order in which upstream makes them.
    pub const ALL: [Self; 4] = [Self::Eldest, Self::Ancestor, Self::Descendant, Self::Distance];
}

/// The questions of one set.
///
/// ```
/// use opencompass::needle::{NeedleConfig, Task};
/// let config: NeedleConfig = toml::from_str("task = 'multi'\nlengths = [1000]\nneedles = 3")?;
/// assert_eq!((config.task, config.depths.len(), config.buffer), (Task::Multi, 11, 500));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct NeedleConfig {
    /// What is asked for. Default: single.
    pub task: Task,
    /// Language of all texts. Default: en.
    pub language: Language,
    /// Numbers of tokens of document and buffer. Default: 1000, 2000, 3000 and 4000.
    pub lengths: Vec<usize>,
    /// Depths in percent. `parallel` puts a needle at each of them. Default: 0 to 100 in steps of 10.
    pub depths: Vec<u32>,
    /// Tokens that are left free for the question and the answer. Default: 500, upstream's number for English.
    pub buffer: usize,
    /// Questions of each kind, each with other needles and another order of the texts. Default: 10.
    pub repeats: usize,
    /// `multi`: number of relations. `trace`: number of relations, one set per number in upstream. Default: 2.
    pub needles: usize,
    /// `multi`: distance of the needles in percent of the document. Default: 10.
    pub gap: u32,
    /// Where the question is put. Default: end.
    pub question: QuestionPosition,
    /// `trace`: what is asked. Default: all four.
    pub trace: Vec<TraceQuestion>,
}

impl Default for NeedleConfig {
    fn default() -> Self {
        Self {
            task: Task::default(),
            language: Language::default(),
            lengths: vec![1000, 2000, 3000, 4000],
            depths: (0..=100).step_by(10).collect(),
            buffer: 500,
            repeats: 10,
            needles: 2,
            gap: 10,
            question: QuestionPosition::default(),
            trace: TraceQuestion::ALL.to_vec(),
        }
    }
}

impl NeedleConfig {
    /// Sets the numbers of tokens of document and buffer.
    #[must_use]
    pub fn with_lengths(self, lengths: Vec<usize>) -> Self {
        Self { lengths, ..self }
    }

    /// Checks that the numbers fit together.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) with the first setting that cannot be used.
    pub fn check(&self) -> Result<()> {
        if self.task == Task::Trace {
            return match self.needles {
                0 => Err(value("needles", "0", "at least 1 relation")),
                _ => Ok(()),
            };
        }
        if let Some(length) = self.lengths.iter().find(|length| **length <= self.buffer) {
            let expected = format!("more tokens than the buffer of {}", self.buffer);
            return Err(value("lengths", length.to_string(), expected));
        }
        if let Some(depth) = self.depths.iter().find(|depth| **depth > 100) {
            return Err(value("depths", depth.to_string(), "0 to 100 percent"));
        }
        if self.lengths.is_empty() || self.depths.is_empty() {
            return Err(value("lengths and depths", "none", "at least one of each"));
        }
        if self.task == Task::Multi && self.needles == 0 {
            return Err(value("needles", "0", "at least 1 relation"));
        }
        if self.task == Task::Parallel && !self.depths.is_sorted_by(|one, other| one < other) {
            return Err(value("depths", format!("{:?}", self.depths), "ascending depths"));
        }
        Ok(())
    }
}
