//! Choices of Chinese exams: `GaokaoBenchEvaluator` and `KaoshiEvaluator`.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::math::built_in;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};
use crate::{Error, Result};

/// The mark in front of an answer.
const MARK: &str = "【答案】";

static MARKED: LazyLock<Regex> = LazyLock::new(|| built_in(r"【答案】\s*[:：]*\s*([A-Z])"));
static BLANK: LazyLock<Regex> = LazyLock::new(|| built_in(r"【答案】(.*?) "));

/// The type of a question, by upstream's names.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Question {
    SingleChoice,
    MultiChoice,
    MultiQuestionChoice,
    FiveOutOfSeven,
    Cloze,
    Judgment,
    Subjective,
    Correction,
}

/// Arguments of both evaluators.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    question_type: Question,
}

/// Compares the choices of each answer with the expected ones, with points for parts.
struct Choices {
    question: Question,
    /// Whether questions without letters are compared; otherwise the score is 0.
    blanks: Blanks,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Blanks {
    Compared,
    NotScored,
}

/// Creates the evaluator of GAOKAO-Bench. Questions without letters score 0, as in upstream.
pub(super) fn gaokao(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    let Arguments { question_type: question } = setup.named.arguments()?;
    if question == Question::Judgment {
        return Err(refused(setup, "judgment"));
    }
    Ok(Box::new(Choices { question, blanks: Blanks::NotScored }))
}

/// Creates the evaluator of Kaoshi, which compares blanks too.
pub(super) fn kaoshi(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
    let Arguments { question_type: question } = setup.named.arguments()?;
    match question {
        Question::Subjective => Err(refused(setup, "subjective")),
        Question::Correction => Err(refused(setup, "correction")),
        _ => Ok(Box::new(Choices { question, blanks: Blanks::Compared })),
    }
}

fn refused(setup: &Setup<'_>, found: &str) -> Error {
    Error::Value {
        place: format!("{}.question_type", setup.named.name()),
        found: format!("`{found}`"),
        expected: "a type of question of this set".to_owned(),
    }
}

impl Question {
    fn is_blank(self) -> bool {
        matches!(self, Self::Cloze | Self::Judgment)
    }

    /// Says whether the letters of an answer are found at all.
    fn is_scored(self) -> bool {
        !matches!(self, Self::Subjective | Self::Correction)
    }

    /// The number of points of one choice.
    fn points(self) -> usize {
        if self == Self::MultiChoice { 2 } else { 1 }
    }

    /// Finds the choices in an answer that should have `count` of them.
    fn choices(self, text: &str, count: usize) -> Vec<String> {
        match self {
            Self::SingleChoice => letters(text, 'A'..='D').last().into_iter().collect(),
            Self::MultiChoice => {
                let content: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
                let place = content.find(MARK).filter(|place| *place > 0);
                let tail = place.unwrap_or_else(|| last_characters(&content, 10));
                let choice: String = letters(&content[tail..], 'A'..='D').collect();
                if choice.is_empty() { Vec::new() } else { vec![choice] }
            }
            Self::MultiQuestionChoice => {
                let marked: Vec<String> =
                    MARKED.captures_iter(text).map(|found| found[1].to_owned()).collect();
                if marked.len() == count { marked } else { letters(text, 'A'..='Z').take(count).collect() }
            }
            Self::FiveOutOfSeven => letters(text, 'A'..='G').take(5).collect(),
            Self::Cloze | Self::Judgment => {
                BLANK.captures(text).map(|found| found[1].to_owned()).into_iter().collect()
            }
            Self::Subjective | Self::Correction => Vec::new(),
        }
    }

    /// The points for one choice: half of them for a part of the right letters.
    fn earned(self, choice: &str, expected: &str) -> usize {
        if choice == expected {
            return self.points();
        }
        let is_part = choice.chars().all(|letter| expected.contains(letter));
        usize::from(self == Self::MultiChoice && is_part)
    }
}

fn letters(text: &str, range: std::ops::RangeInclusive<char>) -> impl Iterator<Item = String> {
    text.chars().filter(move |letter| range.contains(letter)).map(String::from)
}

/// The place of the last characters.
fn last_characters(text: &str, count: usize) -> usize {
    text.char_indices().rev().take(count).last().map_or(0, |(index, _)| index)
}

/// The expected choices: a list, or the letters of a text.
fn expected(answer: &Value, question: Question) -> Vec<String> {
    match answer {
        _ if question.is_blank() => vec![python_str(answer)],
        Value::Array(items) => items.iter().map(python_str).collect(),
        other => python_str(other).chars().map(String::from).collect(),
    }
}

impl Evaluate for Choices {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let is_scored =
            self.question.is_scored() && (!self.question.is_blank() || self.blanks == Blanks::Compared);
        let (mut earned, mut possible) = (0, 0);
        let mut details = Vec::with_capacity(items.len());
        for item in items {
            if !is_scored {
                details.push(Detail { correct: Some(false), ..detail(item) });
                continue;
            }
            let expected = expected(&item.answer, self.question);
            let mut found = self.question.choices(&item.pred_text(), expected.len());
            if found.len() != expected.len() || !item.is_answered() {
                found = vec!["Z".to_owned(); expected.len()];
            }
            let pairs = found.iter().zip(&expected);
            let points: usize = pairs.map(|(choice, right)| self.question.earned(choice, right)).sum();
            let full = expected.len() * self.question.points();
            let score = if full == 0 { 0.0 } else { points as f64 / full as f64 };
            let correct = Some(points == full && item.is_answered());
            details.push(Detail { pred: json!(found), correct, score: Some(score), ..detail(item) });
            (earned, possible) = (earned + points, possible + full);
        }
        let mut metrics = Metrics::new();
        if !is_scored {
            metrics.insert("score".to_owned(), 0.0);
        } else if possible > 0 {
            metrics.insert("score".to_owned(), earned as f64 / possible as f64 * 100.0);
        }
        Scores { metrics, details, answered: answered(items), ..Scores::default() }
    }
}
