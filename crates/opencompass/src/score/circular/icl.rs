//! `circular_icl`: the expected answer is `question--letter--ABCD`. The metrics are those of `CircularEvaluator` in
//! `icl_circular_evaluator.py` of OpenCompass 0.5.4, for any number of options.

use indexmap::IndexMap;

use super::vote::{Letters, Votes};
use crate::prompt::python_str;
use crate::score::verdict::{answered, detail};
use crate::score::{Detail, Evaluate, Metrics, ScoredItem, Scores};

/// Scores questions that are asked once per rotation of their options.
pub(super) struct CircularLetters;

/// One item with the parts of its expected answer.
struct Asked {
    question: String,
    right: String,
    pattern: Vec<char>,
    chosen: String,
    correct: bool,
}

impl Asked {
    fn new(item: &ScoredItem<'_>) -> Result<Self, String> {
        let reference = python_str(&item.answer);
        let parts: Vec<&str> = reference.split("--").collect();
        let [question, right, pattern] = parts[..] else {
            return Err(format!("expected answer: found `{reference}`, expected `question--letter--ABCD`"));
        };
        let chosen = item.pred_text();
        let correct = item.is_answered() && chosen == right;
        let (question, right) = (question.to_owned(), right.to_owned());
        Ok(Self { question, right, pattern: pattern.chars().collect(), chosen, correct })
    }

    /// Number of places by which the options are rotated. `None` for another order.
    fn shift(&self) -> Option<usize> {
        let count = self.pattern.len();
        let first = self.pattern.first().and_then(|letter| (*letter as usize).checked_sub('A' as usize))?;
        let letter = |place: usize| char::from(b'A' + ((first + place) % count) as u8);
        let rotated =
            count <= 26 && self.pattern.iter().enumerate().all(|(place, found)| *found == letter(place));
        rotated.then_some(first)
    }
}

impl Evaluate for CircularLetters {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let (mut asked, mut details) = (Vec::new(), Vec::new());
        for item in items {
            let mut detail = Detail { correct: Some(false), ..detail(item) };
            match Asked::new(item) {
                Ok(item) => {
                    detail.correct = Some(item.correct);
                    asked.push(item);
                }
                Err(reason) => detail.reason = Some(reason),
            }
            details.push(detail);
        }
        let correct = details.iter().filter(|detail| detail.correct == Some(true)).count();
        let metrics = if asked.is_empty() { Metrics::new() } else { metrics(&asked) };
        Scores { metrics, details, answered: answered(items), correct: Some(correct), ..Scores::default() }
    }
}

fn metrics(asked: &[Asked]) -> Metrics {
    let options = asked.iter().map(|item| item.pattern.len()).max().unwrap_or(0);
    let all = |item: &Asked| item.shift().is_some();
    let first = |item: &Asked| item.shift() == Some(0);
    type Set<'a> = (usize, &'a dyn Fn(&Asked) -> bool);
    let sets: [Set<'_>; 2] = [(options, &all), (1, &first)];
    let mut metrics = Metrics::new();
    let total = asked.len() as f64;
    for (size, belongs) in sets {
        let right = asked.iter().filter(|item| belongs(item) && item.correct).count();
        // Every question is asked once per option.
        metrics.insert(format!("acc_{size}"), right as f64 / total * options as f64 / size as f64 * 100.0);
    }
    let mut perfect = Metrics::new();
    for (size, belongs) in sets.into_iter().rev() {
        let mut questions: IndexMap<&str, usize> = IndexMap::new();
        for item in asked {
            *questions.entry(&item.question).or_insert(0) += usize::from(belongs(item) && item.correct);
        }
        for least in 0..=size {
            let reached = questions.values().filter(|number| **number >= least).count();
            let share = reached as f64 / questions.len() as f64 * 100.0;
            metrics.insert(format!("more_{size}_{least}"), share);
            if least == size {
                perfect.insert(format!("perf_{size}"), share);
            }
        }
    }
    metrics.extend(perfect);
    votes(asked, options, &mut metrics);
    metrics
}

/// Adds the votes and the shares of the letters.
fn votes(asked: &[Asked], options: usize, metrics: &mut Metrics) {
    let mut letters = Letters::new(options);
    let (mut all, mut first) = (Votes::default(), Votes::default());
    for item in asked {
        letters.count(&item.chosen, &item.right);
        let option = |letter: &str| {
            let option = item.pattern.get(letters.place(letter)?)?;
            (*option as usize).checked_sub('A' as usize)
        };
        let (right, chosen) = (option(&item.right), option(&item.chosen));
        for votes in [&mut all, &mut first] {
            votes.ask(&item.question, right);
        }
        if item.shift().is_some() {
            all.vote(&item.question, chosen);
        }
        if item.shift() == Some(0) {
            first.vote(&item.question, chosen);
        }
    }
    metrics.insert(format!("vote_{options}"), all.accuracy().unwrap_or(0.0));
    metrics.insert("vote_1".to_owned(), first.accuracy().unwrap_or(0.0));
    metrics.extend(letters.shares().map(|(letter, share)| (format!("prior_{letter}"), share)));
}
