//! The judges of an evaluator and what they are asked.

use std::collections::BTreeMap;

use internlm_model::chat::openai::ChatMessage;
use serde::Deserialize;
use serde_json::{Value, json};

use super::template::{column, field, filled};
use crate::infer::Outcome;
use crate::model::{Answer, Request, Sampling};
use crate::prompt::python_str;
use crate::score::{FollowUp, Helper, Participant, ScoredItem};
use crate::{Error, Result};

/// Arguments under `judge`: who is asked, how often, and with which prompt.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Panel {
    /// System message. Default: none.
    #[serde(default)]
    system: String,
    /// Message of the user. Marks such as `{question}`, `{prediction}` and `{reference}` are replaced.
    prompt: String,
    /// Another prompt for some rows, such as those with a reference answer. Default: none.
    #[serde(default)]
    guided: Option<Guided>,
    /// Places in the run's list of judges. The majority of them decides. Default: the first.
    #[serde(default = "first")]
    judges: Vec<usize>,
    /// Number of times that each judge is asked, each with its own seed. Default: 1.
    #[serde(default = "one")]
    repeats: usize,
    /// Sampling temperature of the judges. Default: 0.
    #[serde(default)]
    temperature: f32,
    /// Maximum number of tokens of a judgement. Default: the judge's own limit.
    #[serde(default)]
    max_out_len: Option<u32>,
}

/// Another prompt for the rows whose `column` has one of `values`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Guided {
    column: String,
    values: Vec<String>,
    #[serde(default)]
    system: String,
    prompt: String,
}

fn first() -> Vec<usize> {
    vec![0]
}

fn one() -> usize {
    1
}

impl Panel {
    /// Checks that somebody is asked.
    pub(super) fn checked(self, evaluator: &str) -> Result<Self> {
        if self.judges.is_empty() || self.repeats == 0 {
            return Err(Error::Value {
                place: evaluator.to_owned(),
                found: format!("{} judges and {} repeats", self.judges.len(), self.repeats),
                expected: "1 or more of both".to_owned(),
            });
        }
        Ok(self)
    }

    /// Returns the number of judgements of one prompt.
    pub(super) fn size(&self) -> usize {
        self.judges.len() * self.repeats
    }

    /// Names the judges.
    pub(super) fn participants(&self) -> Vec<Participant> {
        self.judges.iter().copied().map(Participant::Judge).collect()
    }

    /// Returns the requests for an item: for every judge, as often as it is asked. `value` replaces marks that are neither
    /// columns nor the answer, and goes before them.
    pub(super) fn asks(
        &self,
        item: &ScoredItem<'_>,
        value: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<FollowUp> {
        let guided = self.guided.as_ref().filter(|guided| {
            let found = column(item, &guided.column).map(python_str);
            found.is_some_and(|found| guided.values.contains(&found))
        });
        let (system, prompt) = match guided {
            Some(guided) => (&guided.system, &guided.prompt),
            None => (&self.system, &self.prompt),
        };
        let known = |name: &str| value(name).or_else(|| field(item, name));
        let mut messages = Vec::new();
        if !system.is_empty() {
            messages.push(ChatMessage::system(filled(system, &known)));
        }
        messages.push(ChatMessage::user(filled(prompt, &known)));
        let ask = |(judge, repeat): (usize, usize)| {
            let sampling = Sampling {
                max_tokens: self.max_out_len,
                temperature: self.temperature,
                stop: Vec::new(),
                seed: repeat as u64,
            };
            let request = Request::Chat { messages: messages.clone(), tools: Vec::new(), sampling };
            FollowUp { to: Helper::Judge(judge), request }
        };
        let places =
            self.judges.iter().flat_map(|judge| (0..self.repeats).map(move |repeat| (*judge, repeat)));
        places.map(ask).collect()
    }

    /// Returns the share of repeated judgements that agree with the judge's most frequent one, from 0 to 1. `None` if no
    /// judge is asked twice.
    pub(super) fn consistency<T: Ord>(&self, verdicts: &[Option<T>]) -> Option<f64> {
        if self.repeats < 2 || verdicts.is_empty() {
            return None;
        }
        let most = |repeats: &[Option<T>]| {
            let mut counts: BTreeMap<&Option<T>, usize> = BTreeMap::new();
            for verdict in repeats {
                *counts.entry(verdict).or_default() += 1;
            }
            counts.into_values().max().unwrap_or(0)
        };
        let agreeing: usize = verdicts.chunks(self.repeats).map(most).sum();
        Some(agreeing as f64 / verdicts.len() as f64)
    }
}

/// Returns the text of a judgement, or why it has none.
pub(super) fn judgement(outcome: &Outcome) -> Result<&str, String> {
    match outcome {
        Ok(Answer::Reply { text, .. } | Answer::Agent { text, .. }) => Ok(text),
        Ok(_) => Err("judge: found another kind of answer, expected a text".to_owned()),
        Err(error) => Err(format!("judge: {error}")),
    }
}

/// Returns why the first of the failed judgements failed.
pub(super) fn first_error(evidence: &[Outcome]) -> Option<String> {
    evidence.iter().find_map(|outcome| judgement(outcome).err())
}

/// Returns the judgements of an item for result files.
pub(super) fn shown(evidence: &[Outcome]) -> Value {
    let text = |outcome: &Outcome| match judgement(outcome) {
        Ok(text) => json!(text),
        Err(error) => json!({ "error": error }),
    };
    evidence.iter().map(text).collect()
}

/// Returns the verdict that most judgements give; the one that was given first wins a tie. Judgements without a verdict
/// count only if there are no others.
pub(super) fn majority<T: Clone + PartialEq>(verdicts: &[Option<T>]) -> Option<T> {
    let mut counts: Vec<(&T, usize)> = Vec::new();
    for verdict in verdicts.iter().flatten() {
        match counts.iter_mut().find(|(known, _)| *known == verdict) {
            Some((_, count)) => *count += 1,
            None => counts.push((verdict, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(verdict, _)| verdict.clone())
}

/// Returns the mean of numbers; `None` without any.
pub(super) fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = numbers.fold((0.0, 0_usize), |(sum, count), number| (sum + number, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_decides_and_the_first_wins_a_tie() {
        assert_eq!(majority(&[Some("B"), None, Some("A"), Some("A")]), Some("A"));
        assert_eq!(majority(&[None, Some("B"), Some("A")]), Some("B"));
        assert_eq!(majority::<&str>(&[None]), None);
    }

    #[test]
    fn consistency_is_the_share_of_equal_repeats() {
        let panel: Panel =
            serde_json::from_value(json!({"prompt": "", "repeats": 3, "judges": [0, 1]})).expect("a panel");
        let verdicts = [Some("A"), Some("A"), Some("B"), Some("B"), None, None];
        let found = panel.consistency(&verdicts).expect("three repeats");
        assert!((found - 4.0 / 6.0).abs() < 1e-12);
    }
}
