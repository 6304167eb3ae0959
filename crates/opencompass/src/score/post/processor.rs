//! The post-processors by name, and how they run.

use regex::Regex;

use super::{capital, first_option, number, reasoning, repaired_option, text};
use crate::dataset::{PostConfig, PostStep};
use crate::prompt::python_str;
use crate::{Error, Result};

/// A post-processor that is ready to run.
///
/// ```
/// use opencompass::score::post::Post;
/// let post = Post::named("last_number")?;
/// assert_eq!(post.apply("12 x 34 = 408."), "408");
/// # Ok::<(), opencompass::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Post {
    /// Cuts at the first newline, full stop or comma and removes punctuation and articles.
    General,
    /// Takes the first upper-case letter.
    FirstCapital,
    /// Takes the last upper-case letter.
    LastCapital,
    /// Takes the first run of the letters A to D.
    FirstCapitalMulti,
    /// Takes all upper-case letters, sorted and each once.
    MultipleSelect,
    /// Takes the option letter that the first matching one of 50 patterns finds.
    FirstOption(Box<first_option::FirstOption>),
    /// Takes the option letter that a person reads as the answer.
    RepairedFirstOption(Box<repaired_option::RepairedOption>),
    /// Takes the last option letter.
    LastOption(String),
    /// Takes the last option letter that is a word of its own.
    RepairedLastOption(Box<repaired_option::RepairedOption>),
    /// Takes the first number, printed like a Python float.
    FirstNumber,
    /// Takes the first number in its whole notation, printed like a Python float.
    RepairedFirstNumber,
    /// Takes the last number without thousands separators.
    LastNumber,
    /// Takes the last number before `Question:`, or `NULL`.
    Gsm8k,
    /// Takes the answer's number in its whole notation, or `NULL`.
    RepairedGsm8k,
    /// Takes what follows `#### ` in a GSM8K solution, without commas.
    Gsm8kDataset,
    /// Takes group 1 of a pattern, or nothing without a match.
    AnswerPattern(Regex),
    /// Takes group 1 of a pattern, stripped, or the whole text without a match.
    ThinkPattern(Regex),
    /// Removes the thoughts in `<think>` sections.
    NonReasoning,
    /// Takes the content of the last `<tag>..</tag>`.
    XmlTag(Regex),
}

impl Post {
    /// Creates a post-processor that takes no arguments.
    ///
    /// # Errors
    /// [`Error::Value`] when the name is unknown or the post-processor needs arguments.
    pub fn named(name: &str) -> Result<Self> {
        Self::new(&PostStep::new(name))
    }

    /// Creates the post-processor that a dataset file names.
    ///
    /// # Errors
    /// The same as [`Post::named`]; also a regular expression that does not compile.
    pub fn from_config(config: &PostConfig) -> Result<Self> {
        match config {
            PostConfig::Name(name) => Self::named(name),
            PostConfig::Step(step) => Self::new(step),
        }
    }

    fn new(step: &PostStep) -> Result<Self> {
        if step.repaired == Some(true) && NAMES.contains(&step.name.as_str()) {
            return Self::repaired(step);
        }
        let lacks = |key: &str, expected: &str| unfit(&step.name, format!("no `{key}`"), expected);
        let options = || options(step);
        let pattern = || {
            let pattern = step.pattern.as_deref().ok_or_else(|| lacks("pattern", "one"))?;
            Regex::new(pattern).map_err(|error| {
                unfit(&step.name, format!("`{pattern}`"), format!("a regular expression ({error})"))
            })
        };
        Ok(match step.name.as_str() {
            "general" => Self::General,
            "first-capital" => Self::FirstCapital,
            "last-capital" => Self::LastCapital,
            "first-capital-multi" => Self::FirstCapitalMulti,
            "multiple-select" => Self::MultipleSelect,
            "first_option_postprocess" => {
                let cushion = step.cushion.unwrap_or(true);
                Self::FirstOption(Box::new(first_option::FirstOption::new(&options()?, cushion)))
            }
            "last_option_postprocess" => Self::LastOption(options()?),
            "first_number_postprocess" => Self::FirstNumber,
            "last_number" => Self::LastNumber,
            "gsm8k" => Self::Gsm8k,
            "gsm8k_dataset" => Self::Gsm8kDataset,
            "match_answer_pattern" => Self::AnswerPattern(pattern()?),
            "think_pred" => Self::ThinkPattern(pattern()?),
            "extract-non-reasoning-content" => Self::NonReasoning,
            "specific-xml-tag" => {
                let tag = step.tag.as_deref().ok_or_else(|| lacks("tag", "one as <answer>"))?;
                let pattern = reasoning::tag_pattern(tag);
                Self::XmlTag(pattern.ok_or_else(|| unfit("tag", format!("`{tag}`"), "one as <answer>"))?)
            }
            other => {
                let near = crate::dataset::nearest(other, NAMES.into_iter());
                let hint = near.map_or(NAMES.join(", "), |near| format!("`{near}`?"));
                return Err(unfit("post-processor", format!("`{other}`"), hint));
            }
        })
    }

    /// Creates the reading without the faults of the original, for the post-processors that have one.
    fn repaired(step: &PostStep) -> Result<Self> {
        let option = || -> Result<_> {
            let cushion = step.cushion.unwrap_or(true);
            Ok(Box::new(repaired_option::RepairedOption::new(&options(step)?, cushion)))
        };
        Ok(match step.name.as_str() {
            "first_option_postprocess" => Self::RepairedFirstOption(option()?),
            "last_option_postprocess" => Self::RepairedLastOption(option()?),
            "first_number_postprocess" => Self::RepairedFirstNumber,
            "gsm8k" => Self::RepairedGsm8k,
            other => {
                let expected = "it only with first_option_postprocess, last_option_postprocess, \
                                first_number_postprocess and gsm8k";
                return Err(unfit(other, "`repaired`".to_owned(), expected));
            }
        })
    }

    /// Runs the post-processor on one text.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        match self {
            Self::General => text::general(text),
            Self::FirstCapital => capital::first(text),
            Self::LastCapital => capital::last(text),
            Self::FirstCapitalMulti => capital::first_run(text),
            Self::MultipleSelect => capital::all_sorted(text),
            Self::FirstOption(patterns) => patterns.apply(text),
            Self::RepairedFirstOption(patterns) => patterns.answer(text),
            Self::RepairedLastOption(patterns) => patterns.last_letter(text),
            Self::LastOption(options) => text
                .chars()
                .rev()
                .find(|letter| options.contains(*letter))
                .map(String::from)
                .unwrap_or_default(),
            Self::FirstNumber => number::first(text).map(python_number).unwrap_or_default(),
            Self::RepairedFirstNumber => number::repaired_first(text).map(python_number).unwrap_or_default(),
            Self::LastNumber => number::last(text).unwrap_or_default(),
            Self::Gsm8k => number::gsm8k(text),
            Self::RepairedGsm8k => number::last(text).unwrap_or_else(|| "NULL".to_owned()),
            Self::Gsm8kDataset => number::gsm8k_dataset(text),
            Self::AnswerPattern(pattern) => group_one(pattern, text).unwrap_or_default(),
            Self::ThinkPattern(pattern) => {
                group_one(pattern, text).map_or_else(|| text.to_owned(), |found| found.trim().to_owned())
            }
            Self::NonReasoning => reasoning::strip(text),
            Self::XmlTag(pattern) => reasoning::last_tag(pattern, text),
        }
    }
}

fn options(step: &PostStep) -> Result<String> {
    step.options.clone().ok_or_else(|| unfit(&step.name, "no `options`".to_owned(), "letters"))
}

fn unfit(place: &str, found: String, expected: impl Into<String>) -> Error {
    Error::Value { place: place.to_owned(), found, expected: expected.into() }
}

/// Every name that a dataset file may use.
const NAMES: [&str; 15] = [
    "general",
    "first-capital",
    "last-capital",
    "first-capital-multi",
    "multiple-select",
    "first_option_postprocess",
    "last_option_postprocess",
    "first_number_postprocess",
    "last_number",
    "gsm8k",
    "gsm8k_dataset",
    "match_answer_pattern",
    "think_pred",
    "extract-non-reasoning-content",
    "specific-xml-tag",
];

fn python_number(number: f64) -> String {
    python_str(&serde_json::Value::from(number))
}

fn group_one(pattern: &Regex, text: &str) -> Option<String> {
    Some(pattern.captures(text)?.get(1)?.as_str().to_owned())
}
