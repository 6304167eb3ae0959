//! `clp`: the probabilities of single-token choices as the next token of a prompt (conditional log-probability).
//!
//! The logits of the choices at the last position go through a softmax of their own, which is the same as that of their
//! log-probabilities. The prediction is the list of probabilities.

use serde_json::{Map, Value, json};

use super::labels::without;
use super::prediction::first_error;
use super::record::closed;
use super::shots::{Asker, Separator};
use super::{Ask, Item, Outcome, Prediction};
use crate::dataset::Dataset;
use crate::model::{Answer, Profile, Request, ScoredText};
use crate::prompt::{PromptList, Purpose, python_str, render_text};

/// Column of the choices. Upstream takes those of the first row for all.
const CHOICES: &str = "choices";

/// Creates the request of row `index`.
pub(super) fn item(dataset: &Dataset, index: usize, profile: &Profile) -> Result<Item, String> {
    let asker = Asker::new(dataset, Separator::Removed)?;
    let compat = dataset.config.score.compat;
    let meta = |dropped: usize| {
        // Upstream forgets the meta template once it has dropped an example.
        let forgotten = compat && dropped > 0;
        profile.meta_template.as_ref().filter(|_| !forgotten)
    };
    let render = |list: &PromptList, dropped: usize| {
        let text = render_text(list, meta(dropped), Purpose::Generate)?;
        Ok((text.clone(), text))
    };
    // One more token is added in the end.
    let limit = profile.max_seq_len.saturating_sub(1);
    let fitted = asker.fit(index, None, (profile, limit), render)?;
    let request = Request::Choices { prompt: ScoredText::Text(fitted.prompt), choices: choices(dataset)? };
    Ok(Item {
        asks: vec![Ask::new(request, profile)],
        shots: render_text(&fitted.shots, None, Purpose::Score)?,
        dropped_shots: fitted.dropped,
        gold: dataset.test[index].gold(&dataset.config.reader),
        ..Item::default()
    })
}

/// The choices of the dataset, which are those of its first row.
fn choices(dataset: &Dataset) -> Result<Vec<String>, String> {
    let value = dataset.test.first().and_then(|row| row.columns.get(CHOICES));
    match value {
        Some(Value::Array(items)) if items.len() > 1 => Ok(items.iter().map(python_str).collect()),
        other => {
            let found = other.map_or("none".to_owned(), ToString::to_string);
            Err(format!("column {CHOICES}: found {found}, expected a list of two or more choices"))
        }
    }
}

/// Computes the probabilities.
pub(super) fn conclude(item: &Item, outcomes: &[Outcome]) -> Prediction {
    let mut prediction =
        Prediction { gold: item.gold.clone(), error: first_error(outcomes), ..Prediction::default() };
    let mut record = Map::new();
    record.insert("in-context examples".to_owned(), json!(item.shots));
    if let Some(ask) = item.asks.first()
        && let Request::Choices { choices, .. } = &ask.request
    {
        let prompt = ask.shown();
        let input = without(prompt.as_str().unwrap_or_default(), &item.shots);
        record.insert("testing input".to_owned(), json!(input));
        record.insert("prompt".to_owned(), prompt);
        record.insert("choices".to_owned(), json!(choices));
    }
    if let Some(Ok(Answer::Choices { log_probs })) = outcomes.first() {
        let probabilities = softmax(log_probs);
        record.insert("prediction".to_owned(), json!(probabilities));
        record.insert("pred_label".to_owned(), json!(first_highest(&probabilities)));
        prediction.value = Some(json!(probabilities));
    }
    closed(item, prediction, record)
}

fn softmax(values: &[f64]) -> Vec<f64> {
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = values.iter().map(|value| (value - highest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// The place of the highest value, the first of several.
fn first_highest(values: &[f64]) -> usize {
    let mut best = 0;
    for (place, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = place;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_softmax_is_over_the_choices_only() {
        let found = softmax(&[-1.0, -1.0 + 3.0_f64.ln()]);
        assert!((found[0] - 0.25).abs() < 1e-12 && (found[1] - 0.75).abs() < 1e-12, "{found:?}");
        assert_eq!((first_highest(&found), first_highest(&[0.5, 0.5])), (1, 0));
    }
}
