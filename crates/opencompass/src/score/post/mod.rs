//! Post-processors: text -> text, by OpenCompass' names and with its results, quirks included.

mod capital;
mod first_option;
mod number;
mod reasoning;
mod text;

use regex::Regex;

use crate::dataset::{PostConfig, PostStep};
use crate::prompt::python_str;

/// A post-processor ready to run.
#[derive(Clone, Debug)]
pub enum Post {
    /// Up to the first newline, full stop or comma, without punctuation and articles.
    General,
    /// The first upper-case letter.
    FirstCapital,
    /// The last upper-case letter.
    LastCapital,
    /// The first run of A to D.
    FirstCapitalMulti,
    /// All upper-case letters, sorted, each once.
    MultipleSelect,
    /// The option letter that the first of 50 patterns finds.
    FirstOption(Box<first_option::FirstOption>),
    /// The last option letter.
    LastOption(String),
    /// The first number, as Python prints a float.
    FirstNumber,
    /// The last number, thousands separators left out.
    LastNumber,
    /// The last number before `Question:`, or `NULL`.
    Gsm8k,
    /// What follows `#### ` in a GSM8K solution, without commas.
    Gsm8kDataset,
    /// Group 1 of a pattern, or nothing.
    AnswerPattern(Regex),
    /// Group 1 of a pattern, stripped, or the text.
    ThinkPattern(Regex),
    /// The text without `<think>` sections.
    NonReasoning,
    /// What the last `<tag>..</tag>` holds.
    XmlTag(Regex),
}

impl Post {
    /// A post-processor without arguments.
    ///
    /// # Errors
    /// A sentence, when there is none of that name or it needs arguments.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::new(&PostStep { name: name.to_owned(), ..PostStep::default() })
    }

    /// The post-processor that a dataset file names.
    ///
    /// # Errors
    /// Like [`Post::named`].
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

    /// Runs it.
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

/// Every name a dataset file may use.
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

/// A pattern of this crate's own source.
fn built_in(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that compiles")
}

pub use text::general;
