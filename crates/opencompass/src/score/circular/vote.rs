//! What the answers to all orders of a question say together: the vote for an option, and a preference for a letter.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

/// What stands for an answer that is not a letter of an option.
const OTHER: &str = "-";

/// The letters of a set, how often each was chosen, and how often it would have been right.
#[derive(Debug)]
pub(super) struct Letters {
    counts: IndexMap<String, (usize, usize)>,
    total: usize,
}

impl Letters {
    /// Starts with the first `options` letters of the alphabet.
    pub(super) fn new(options: usize) -> Self {
        let letters = ('A'..='Z').take(options).map(String::from).chain([OTHER.to_owned()]);
        Self { counts: letters.map(|letter| (letter, (0, 0))).collect(), total: 0 }
    }

    /// Returns the place of a letter among the options.
    pub(super) fn place(&self, letter: &str) -> Option<usize> {
        self.counts.get_index_of(letter).filter(|place| place + 1 < self.counts.len())
    }

    /// Counts a chosen and a right letter.
    pub(super) fn count(&mut self, chosen: &str, right: &str) {
        self.total += 1;
        let known = if self.place(chosen).is_some() { chosen } else { OTHER };
        if let Some((number, _)) = self.counts.get_mut(known) {
            *number += 1;
        }
        if let Some((_, number)) = self.counts.get_mut(right) {
            *number += 1;
        }
    }

    /// Returns the share of each letter among the answers in percent.
    pub(super) fn shares(&self) -> impl Iterator<Item = (&String, f64)> {
        self.counts.iter().map(|(letter, (chosen, _))| (letter, self.percent(*chosen)))
    }

    /// Returns the letter that is chosen most above its due, with the difference in percentage points.
    pub(super) fn bias(&self) -> Option<(&str, f64)> {
        let letters = self.counts.iter().filter(|(letter, _)| *letter != OTHER);
        let differences = letters
            .map(|(letter, (chosen, right))| (letter.as_str(), self.percent(*chosen) - self.percent(*right)));
        differences.max_by(|one, other| one.1.total_cmp(&other.1))
    }

    fn percent(&self, number: usize) -> f64 {
        if self.total == 0 { 0.0 } else { 100.0 * number as f64 / self.total as f64 }
    }

    /// Describes the letters for result files.
    pub(super) fn described(&self) -> Map<String, Value> {
        let shares: Map<String, Value> =
            self.shares().map(|(letter, share)| (letter.clone(), json!(share))).collect();
        let mut described = Map::from_iter([("prior".to_owned(), Value::Object(shares))]);
        if let Some((letter, points)) = self.bias() {
            described.insert("letter_bias".to_owned(), json!({ "letter": letter, "points": points }));
        }
        described
    }
}

/// The votes on all questions: question -> option -> number of answers. The option that was chosen first wins a tie.
#[derive(Debug, Default)]
pub(super) struct Votes {
    questions: IndexMap<String, Question>,
}

#[derive(Debug, Default)]
struct Question {
    right: Option<usize>,
    votes: IndexMap<Option<usize>, usize>,
}

impl Votes {
    /// Names the right option of a question, counted without regard to the order. The first one counts.
    pub(super) fn ask(&mut self, question: &str, right: Option<usize>) {
        let question = self.questions.entry(question.to_owned()).or_default();
        if question.votes.is_empty() && question.right.is_none() {
            question.right = right;
        }
    }

    /// Counts a vote; `None` for an answer that is not an option.
    pub(super) fn vote(&mut self, question: &str, option: Option<usize>) {
        *self.questions.entry(question.to_owned()).or_default().votes.entry(option).or_insert(0) += 1;
    }

    /// Returns the share of questions whose winner is right, in percent.
    pub(super) fn accuracy(&self) -> Option<f64> {
        if self.questions.is_empty() {
            return None;
        }
        let right = self.questions.values().filter(|question| {
            let most = question.votes.values().max();
            let winner = question.votes.iter().find(|(_, number)| Some(*number) == most);
            winner.is_some_and(|(option, _)| option.is_some() && *option == question.right)
        });
        Some(right.count() as f64 / self.questions.len() as f64 * 100.0)
    }
}
