//! `mdl`: of several sets of near rows, the one with which the labels are told apart best (`MDLRetriever`).
//!
//! Minimum description length, <https://arxiv.org/abs/2212.10375>: the loss of the prompt of every label behind the same
//! examples gives probabilities exp(-loss); the set with the lowest entropy of them wins, and ties go to the first.

use super::Mt19937;
use super::stop::{Outcomes, Stop};
use crate::dataset::Dataset;
use crate::infer::{Asker, Separator};
use crate::model::{Answer, Profile, Request, ScoredText};
use crate::prompt::{Part, PromptList};

/// Number of sets that are tried for every row, upstream's default.
const SELECT_TIME: usize = 5;

/// The near rows of every test row.
pub(super) struct Candidates {
    /// The nearest train rows per test row, the nearest first.
    pub(super) near: Vec<Vec<usize>>,
    /// Number of examples.
    pub(super) count: usize,
    /// Seed of the sets.
    pub(super) seed: u32,
}

impl Candidates {
    /// The sets of every row: the nearest rows, then random ones of the near rows. All rows share one generator, so the
    /// order of the rows matters, as in upstream.
    fn sets(&self, select_time: usize) -> Vec<Vec<Vec<usize>>> {
        let mut rng = Mt19937::new(self.seed);
        let mut set = |near: &Vec<usize>, time: usize| -> Vec<usize> {
            match time {
                0 => near.iter().take(self.count).copied().collect(),
                _ => rng.choice(near.len(), self.count).into_iter().map(|place| near[place]).collect(),
            }
        };
        self.near.iter().map(|near| (0..select_time).map(|time| set(near, time)).collect()).collect()
    }
}

/// Chooses the examples of every row.
pub(super) fn mdl(
    dataset: &Dataset,
    candidates: &Candidates,
    profile: Option<&Profile>,
    outcomes: Outcomes<'_>,
) -> Result<Vec<Vec<usize>>, Stop> {
    let select_time = dataset.config.few_shot.select_time.unwrap_or(SELECT_TIME).max(1);
    let asker = Asker::new(dataset, Separator::Removed).map_err(Stop::Fails)?;
    let mut chosen = Vec::with_capacity(candidates.near.len());
    let mut asks = Vec::new();
    for (row, sets) in candidates.sets(select_time).into_iter().enumerate() {
        let mut best: Option<(f64, Vec<usize>)> = None;
        for set in sets {
            match order(&asker, (row, set.as_slice()), profile, outcomes) {
                Err(Stop::Asks(more)) => asks.extend(more),
                Err(stop) => return Err(stop),
                Ok(order) => {
                    if best.as_ref().is_none_or(|(highest, _)| order > *highest) {
                        best = Some((order, set));
                    }
                }
            }
        }
        chosen.push(best.map(|(_, set)| set).unwrap_or_default());
    }
    if asks.is_empty() { Ok(chosen) } else { Err(Stop::Asks(asks)) }
}

/// The negative entropy of the labels of a row behind the examples `set`.
fn order(
    asker: &Asker<'_>,
    (row, set): (usize, &[usize]),
    profile: Option<&Profile>,
    outcomes: Outcomes<'_>,
) -> Result<f64, Stop> {
    let tokenizer = profile.and_then(|profile| profile.tokenizer.as_ref()).ok_or_else(|| {
        Stop::Fails("mdl: found a model for retrieval without a tokenizer, expected its weights".to_owned())
    })?;
    let ids = |text: &str| -> Vec<u32> { tokenizer.encode_prompt(text).into_iter().map(|id| id.0).collect() };
    let shots = plain(&asker.shots(set).map_err(Stop::Fails)?);
    let context = ids(&shots).len();
    let shots = PromptList::Text(shots);
    let mut asks = Vec::new();
    let mut losses = Vec::new();
    for label in asker.labels() {
        let prompt = asker.question(row, Some(&label), &shots).map_err(Stop::Fails)?;
        let ids = ids(&plain(&prompt));
        let scored = ids.len().saturating_sub(context).max(1) as f64;
        // Upstream's mask leaves out one token more than the examples have.
        let request = Request::Score { text: ScoredText::Ids(ids), from: context + 1 };
        match outcomes(&request) {
            None => asks.push(request),
            Some(Ok(Answer::Scored { log_prob, .. })) => losses.push(-log_prob / scored),
            Some(Ok(_)) => return Err(Stop::Fails("mdl: found another answer, expected a score".to_owned())),
            Some(Err(error)) => return Err(Stop::Fails(format!("mdl: {error}"))),
        }
    }
    if asks.is_empty() { Ok(negative_entropy(&losses)) } else { Err(Stop::Asks(asks)) }
}

/// The sum of p ln p over the normalized exp(-loss).
fn negative_entropy(losses: &[f64]) -> f64 {
    let powers: Vec<f64> = losses.iter().map(|loss| (-loss).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).map(|share| share * share.ln()).sum()
}

/// A prompt as Python's `str` gives it: its texts one after the other.
fn plain(list: &PromptList) -> String {
    match list {
        PromptList::Text(text) => text.clone(),
        PromptList::Parts(parts) => {
            let texts = parts.iter().filter_map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Turn(turn) => turn.prompt.as_deref(),
                Part::Open(_) | Part::Close(_) => None,
            });
            texts.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_the_nearest_rows_and_then_random_ones() {
        let candidates = Candidates { near: vec![vec![7, 3, 9], vec![1, 2, 4]], count: 2, seed: 1 };
        let sets = candidates.sets(3);
        assert_eq!((&sets[0][0], &sets[1][0]), (&vec![7, 3], &vec![1, 2]));
        assert!(sets.iter().flatten().all(|set| set.len() == 2 && set[0] != set[1]));
        assert_eq!(sets, candidates.sets(3));
    }

    #[test]
    fn clear_labels_have_the_higher_order() {
        assert!(negative_entropy(&[0.1, 5.0]) > negative_entropy(&[1.0, 1.0]));
        assert!((negative_entropy(&[1.0, 1.0]) + 2.0_f64.ln()).abs() < 1e-12);
    }
}
