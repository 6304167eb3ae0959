//! `ppl`: scores the whole prompt of every label. The lowest perplexity wins, and ties go to the first label.
//!
//! PPL(label) = (sum of the losses of tokens 2..n) / n, where n counts every token *including the first*
//! (`BaseModel.get_ppl` upstream); the run may ask for n-1 instead. BPB = PPL x n / bytes of the prompt without
//! examples, in nats in spite of its name.

use serde_json::{Map, Value, json};

use super::prediction::first_error;
use super::shots::Asker;
use super::{Ask, Item, Outcome, PplDenominator, Prediction};
use crate::dataset::Dataset;
use crate::model::{Answer, Profile, Request, ScoredText};
use crate::prompt::{PromptList, Purpose, render_text};

/// Creates one request per label.
pub(super) fn item(dataset: &Dataset, index: usize, profile: &Profile) -> Result<Item, String> {
    let asker = Asker::new(dataset)?;
    let meta = profile.meta_template.as_ref();
    let mut item = Item { gold: dataset.test[index].gold(&dataset.config.reader), ..Item::default() };
    for label in asker.labels() {
        let render = |list: &PromptList| {
            let text = render_text(list, meta, Purpose::Score)?;
            Ok((text.clone(), text))
        };
        let fitted = asker.fit(index, Some(&label), profile, profile.max_seq_len, render)?;
        item.shots = render_text(&fitted.shots, meta, Purpose::Score)?;
        item.dropped_shots = item.dropped_shots.max(fitted.dropped);
        let bytes = without(&fitted.prompt, &item.shots).len();
        let ask = Ask::new(Request::Score { text: ScoredText::Text(fitted.prompt), from: 0 }, profile);
        item.asks.push(Ask { label: Some(label), bytes, ..ask });
    }
    Ok(item)
}

fn without(prompt: &str, shots: &str) -> String {
    if shots.is_empty() { prompt.to_owned() } else { prompt.replace(shots, "") }
}

/// Chooses the label with the lowest perplexity.
pub(super) fn conclude(item: &Item, outcomes: &[Outcome], denominator: PplDenominator) -> Prediction {
    let mut record = Map::new();
    record.insert("in-context examples".to_owned(), json!(item.shots));
    let mut best: Option<(&str, f64)> = None;
    let mut scores = Vec::with_capacity(outcomes.len());
    let mut error = first_error(outcomes);
    for (ask, outcome) in item.asks.iter().zip(outcomes) {
        let Ok(Answer::Scored { tokens, log_prob, .. }) = outcome else { continue };
        let label = ask.label.as_deref().unwrap_or_default();
        let count = match denominator {
            PplDenominator::Tokens => *tokens,
            PplDenominator::Scored => tokens.saturating_sub(1),
        };
        if count == 0 {
            error.get_or_insert_with(|| format!("label {label}: found no tokens to score"));
            continue;
        }
        let ppl = -log_prob / count as f64;
        scores.push(LabelScore { ppl, tokens: *tokens, log_prob: *log_prob });
        if best.is_none_or(|(_, lowest)| ppl < lowest) {
            best = Some((label, ppl));
        }
        let prompt = ask.request.shown();
        let entry = json!({
            "testing input": without(prompt.as_str().unwrap_or_default(), &item.shots),
            "prompt": prompt,
            "PPL": ppl,
            "BPB": ppl * *tokens as f64 / ask.bytes.max(1) as f64,
        });
        record.insert(format!("label: {label}"), entry);
    }
    let text = best.filter(|_| error.is_none()).map(|(label, _)| label.to_owned());
    record.insert("prediction".to_owned(), json!(text));
    record.insert("gold".to_owned(), item.gold.clone());
    if item.dropped_shots > 0 {
        record.insert("dropped_shots".to_owned(), json!(item.dropped_shots));
    }
    if let Some(error) = &error {
        record.insert("error".to_owned(), json!(error));
    }
    Prediction {
        gold: item.gold.clone(),
        text,
        tied: error.is_none() && is_tied(&scores),
        error,
        record: Value::Object(record),
        ..Prediction::default()
    }
}

/// What the model said of one label.
struct LabelScore {
    /// Exponent of the perplexity: the smallest one wins.
    ppl: f64,
    tokens: usize,
    log_prob: f64,
}

/// Says whether the scores do not tell the labels apart: another label is as good as the winner, or all tokens of all
/// labels have one log-probability, so that lengths decide.
fn is_tied(scores: &[LabelScore]) -> bool {
    let lowest = scores.iter().map(|score| score.ppl).fold(f64::INFINITY, f64::min);
    let winners = scores.iter().filter(|score| score.ppl <= lowest).count();
    let constant = |unscored: usize| {
        let means = || scores.iter().map(|score| score.log_prob / (score.tokens - unscored) as f64);
        let low = means().fold(f64::INFINITY, f64::min);
        let high = means().fold(f64::NEG_INFINITY, f64::max);
        high - low <= 1e-9 * low.abs()
    };
    // Some servers score the first token and some do not.
    let several = scores.iter().all(|score| score.tokens > 1);
    scores.len() > 1 && (winners > 1 || constant(0) || (several && constant(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(labels: &[&str]) -> Item {
        let ask = |label: &&str| Ask {
            key: String::new(),
            request: Request::Score { text: ScoredText::Text(format!("shots; q {label}")), from: 0 },
            label: Some((*label).to_owned()),
            bytes: 10,
        };
        Item {
            asks: labels.iter().map(ask).collect(),
            shots: "shots; ".to_owned(),
            gold: json!("B"),
            ..Item::default()
        }
    }

    fn scored(tokens: usize, log_prob: f64) -> Outcome {
        Ok(Answer::Scored { tokens, log_prob, unscored_bytes: 0 })
    }

    #[test]
    fn the_denominator_can_change_the_winner() {
        let outcomes = [scored(2, -1.0), scored(10, -6.0)];
        let winner = |denominator| conclude(&item(&["A", "B"]), &outcomes, denominator).text;
        assert_eq!(winner(PplDenominator::Tokens).as_deref(), Some("A"));
        assert_eq!(winner(PplDenominator::Scored).as_deref(), Some("B"));
    }

    #[test]
    fn scores_that_do_not_tell_labels_apart_are_ties() {
        let tied = |outcomes: &[Outcome]| {
            let labels = ["A", "B", "C"];
            conclude(&item(&labels[..outcomes.len()]), outcomes, PplDenominator::Tokens).tied
        };
        for (outcomes, expected) in [
            (vec![scored(4, 0.0), scored(7, 0.0)], true),
            (vec![scored(4, -2.0), scored(4, -2.0), scored(4, -9.0)], true),
            (vec![scored(4, -9.0), scored(4, -9.0), scored(4, -2.0)], false),
            // One log-probability for every token, with and without the first one.
            (vec![scored(4, -1.2), scored(7, -2.1)], true),
            (vec![scored(4, -0.9), scored(7, -1.8)], true),
            (vec![scored(4, -0.9), scored(7, -1.9)], false),
            (vec![scored(1, -0.5), scored(1, -0.6)], false),
            (vec![scored(4, -2.0), Err("status 500".to_owned())], false),
        ] {
            assert_eq!(tied(&outcomes), expected, "{outcomes:?}");
        }
    }

    #[test]
    fn ties_go_to_the_first_label_and_the_record_is_upstreams() {
        let prediction =
            conclude(&item(&["A", "B"]), &[scored(4, -2.0), scored(4, -2.0)], PplDenominator::Tokens);
        assert_eq!(prediction.text.as_deref(), Some("A"));
        let entry = &prediction.record["label: A"];
        assert_eq!((entry["PPL"].as_f64(), entry["BPB"].as_f64()), (Some(0.5), Some(0.2)));
        assert_eq!(entry["testing input"], "q A");
    }
}
