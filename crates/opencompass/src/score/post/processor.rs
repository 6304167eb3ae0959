//! The post-processors by name, and how they run.

use regex::Regex;

use super::{capital, first_option, number, reasoning, text};
use crate::dataset::{PostConfig, PostStep};
use crate::prompt::python_str;

/// A post-processor that is ready to run.
///
/// ```
/// use opencompass::score::post::Post;
/// let post = Post::named("last_number")?;
/// assert_eq!(post.apply("12 x 34 = 408."), "408");
/// # Ok::<(), String>(())
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
    /// Takes the last option letter.
    LastOption(String),
    /// Takes the first number, printed like a Python float.
    FirstNumber,
    /// Takes the last number without thousands separators.
    LastNumber,
    /// Takes the last number before `Question:`, or `NULL`.
    Gsm8k,
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
    /// A message, when the name is unknown or the post-processor needs arguments.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::new(&PostStep::new(name))
    }

    /// Creates the post-processor that a dataset file names.
    ///
    /// # Errors
    /// The same as [`Post::named`]; also a regular expression that does not compile.
    pub fn from_config(config: &PostConfig) -> Result<Self, String> {
        match config {
            PostConfig::Name(name) => Self::named(name),
            PostConfig::Step(step) => Self::new(step),
        }
    }

    fn new(step: &PostStep) -> Result<Self, String> {
        let options =
            || step.options.clone().ok_or(format!("{}: found no `options`, expected letters", step.name));
        let pattern = || {
            let pattern = step.pattern.as_ref();
            let pattern = pattern.ok_or(format!("{}: found no `pattern`, expected one", step.name))?;
            Regex::new(pattern).map_err(|error| format!("{}: {error}", step.name))
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
                let tag =
                    step.tag.as_ref().ok_or("specific-xml-tag: found no `tag`, expected one as <answer>")?;
                Self::XmlTag(reasoning::tag_pattern(tag)?)
            }
            other => {
                let near = crate::dataset::nearest(other, NAMES.into_iter());
                let hint = near.map_or(NAMES.join(", "), |near| format!("`{near}`?"));
                return Err(format!("post-processor: found `{other}`, expected {hint}"));
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
            Self::LastOption(options) => text
                .chars()
                .rev()
                .find(|letter| options.contains(*letter))
                .map(String::from)
                .unwrap_or_default(),
            Self::FirstNumber => number::first(text).map(python_number).unwrap_or_default(),
            Self::LastNumber => number::last(text).unwrap_or_default(),
            Self::Gsm8k => number::gsm8k(text),
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
