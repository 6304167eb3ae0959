//! `ppl`: scores the whole prompt of every label. The lowest perplexity wins, and ties go to the first label.
//!
//! PPL(label) = (sum of the losses of tokens 2..n) / n, where n counts every token *including the first*
//! (`BaseModel.get_ppl` upstream); the run may ask for n-1 instead. BPB = PPL x n / bytes of the prompt without
//! examples, in nats in spite of its name.
//!
//! With `normalizing_str` (contextual calibration, <https://arxiv.org/abs/2102.09690>) the first m tokens are only
//! context: PPL = (sum of the losses of tokens m+1..n) / (n - m), and the PPL of the same answer behind the normalizing
//! text is taken off.

use serde_json::{Map, json};

use super::labels::{LabelPrompts, ids_of, label_prompts, whole_prompts, without};
use super::prediction::first_error;
use super::record::closed;
use super::shots::Separator;
use super::{Ask, AskPart, Item, Outcome, PplDenominator, Prediction};
use crate::dataset::Dataset;
use crate::model::{Answer, Profile, Request, ScoredText};

/// Creates the requests of row `index`: one per label and one for what their prompts have in common.
pub(super) fn item(dataset: &Dataset, index: usize, profile: &Profile) -> Result<Item, String> {
    let mut item = Item { gold: dataset.test[index].gold(&dataset.config.reader), ..Item::default() };
    match dataset.config.infer.normalizing_str.as_deref() {
        None => {
            let all = label_prompts(dataset, index, profile, Separator::Removed)?;
            whole_prompts(&mut item, all, profile);
        }
        Some(norm) => {
            let all = label_prompts(dataset, index, profile, Separator::Kept)?;
            let mark = dataset.config.prompt.sep_token.as_deref();
            let mark = mark.ok_or("prompt.sep_token: found none, expected the mark for normalizing_str")?;
            calibrated(&mut item, all, (norm, mark), profile)?;
        }
    }
    Ok(item)
}

/// Fills `item` with two requests per label: the answer behind its context and behind the normalizing text.
fn calibrated(
    item: &mut Item,
    all: LabelPrompts,
    (norm, mark): (&str, &str),
    profile: &Profile,
) -> Result<(), String> {
    let tokenizer = profile.tokenizer.as_ref().ok_or(
        "infer.normalizing_str: found a model without a tokenizer, expected model.weights, which has one",
    )?;
    item.shots = all.shots.replace(mark, "");
    item.dropped_shots = all.dropped;
    for prompt in all.prompts {
        let missing = || format!("label {}: found no `{mark}`, expected it before the answer", prompt.label);
        let (context, answer) = prompt.text.split_once(mark).ok_or_else(missing)?;
        let answer = answer.replace(mark, "");
        for (part, context) in [(AskPart::Own, context), (AskPart::Baseline, norm)] {
            let text = format!("{context}{answer}");
            let from = ids_of(tokenizer, context).len();
            let request = Request::Score { text: ScoredText::Ids(ids_of(tokenizer, &text)), from };
            let bytes = without(&text, &item.shots).len();
            let label = Some(prompt.label.clone());
            item.asks.push(Ask { label, bytes, part, prompt: Some(text), ..Ask::new(request, profile) });
        }
    }
    Ok(())
}

/// What the model said of one label.
struct LabelScore<'a> {
    ask: &'a Ask,
    /// Exponent of the perplexity: the smallest one wins.
    ppl: f64,
    tokens: usize,
    log_prob: f64,
}

/// Chooses the label with the lowest perplexity.
pub(super) fn conclude(item: &Item, outcomes: &[Outcome], denominator: PplDenominator) -> Prediction {
    let mut record = Map::new();
    record.insert("in-context examples".to_owned(), json!(item.shots));
    let mut error = first_error(outcomes);
    let mut scores = label_scores(item, outcomes, denominator);
    if let Some(empty) = scores.iter().find(|score| !score.ppl.is_finite()) {
        let label = empty.ask.label.as_deref().unwrap_or_default();
        error.get_or_insert_with(|| format!("label {label}: found no tokens to score"));
        scores.retain(|score| score.ppl.is_finite());
    }
    let mut best: Option<&LabelScore<'_>> = None;
    for score in &scores {
        if best.is_none_or(|best| score.ppl < best.ppl) {
            best = Some(score);
        }
        let prompt = score.ask.shown();
        let entry = json!({
            "testing input": without(prompt.as_str().unwrap_or_default(), &item.shots),
            "prompt": prompt,
            "PPL": score.ppl,
            "BPB": score.ppl * score.tokens as f64 / score.ask.bytes.max(1) as f64,
        });
        record.insert(format!("label: {}", score.ask.label.as_deref().unwrap_or_default()), entry);
    }
    let text = best.filter(|_| error.is_none()).and_then(|best| best.ask.label.clone());
    let tied = error.is_none() && is_tied(&scores);
    record.insert("prediction".to_owned(), json!(text));
    let prediction = Prediction { gold: item.gold.clone(), text, tied, error, ..Prediction::default() };
    closed(item, prediction, record)
}

/// Computes the perplexity of every label that was answered; it is not finite where no token is scored.
fn label_scores<'a>(
    item: &'a Item,
    outcomes: &[Outcome],
    denominator: PplDenominator,
) -> Vec<LabelScore<'a>> {
    let scored: Vec<(&'a Ask, usize, f64)> = item
        .asks
        .iter()
        .zip(outcomes)
        .filter_map(|(ask, outcome)| match outcome {
            Ok(Answer::Scored { tokens, log_prob, .. }) => Some((ask, *tokens, *log_prob)),
            _ => None,
        })
        .collect();
    let prefixes = scored.iter().filter(|(ask, ..)| ask.part == AskPart::Prefix);
    let prefix: f64 = prefixes.map(|(_, _, log_prob)| log_prob).sum();
    let calibrated = item.asks.iter().any(|ask| ask.part == AskPart::Baseline);
    // A calibrated score counts only the tokens behind the context.
    let masked = |ask: &Ask| match (&ask.request, denominator) {
        (Request::Score { from, .. }, _) if calibrated => *from,
        (_, PplDenominator::Tokens) => 0,
        (_, PplDenominator::Scored) => 1,
    };
    let ppl = |ask: &Ask, tokens: usize, log_prob: f64| match tokens.saturating_sub(masked(ask)) {
        0 => f64::INFINITY,
        count => -log_prob / count as f64,
    };
    let baseline = |label: &Option<String>| {
        let same = |(ask, ..): &&(&'a Ask, usize, f64)| ask.part == AskPart::Baseline && ask.label == *label;
        scored.iter().find(same).map_or(0.0, |(ask, tokens, log_prob)| ppl(ask, *tokens, *log_prob))
    };
    let own = scored.iter().filter(|(ask, ..)| ask.part == AskPart::Own);
    let own = own.map(|&(ask, tokens, log_prob)| {
        let log_prob = log_prob + if calibrated { 0.0 } else { prefix };
        LabelScore { ask, ppl: ppl(ask, tokens, log_prob) - baseline(&ask.label), tokens, log_prob }
    });
    own.collect()
}

/// Says whether the scores do not tell the labels apart: another label is as good as the winner, or all tokens of all
/// labels have one log-probability, so that lengths decide.
fn is_tied(scores: &[LabelScore<'_>]) -> bool {
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

    fn ask(label: &str, request: Request) -> Ask {
        Ask {
            key: String::new(),
            request,
            label: Some(label.to_owned()),
            bytes: 10,
            part: AskPart::Own,
            prompt: None,
        }
    }

    fn item(labels: &[&str]) -> Item {
        let whole = |label: &&str| {
            let text = ScoredText::Text(format!("shots; q {label}"));
            ask(label, Request::Score { text, from: 0 })
        };
        Item {
            asks: labels.iter().map(whole).collect(),
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
    fn the_common_beginning_counts_for_every_label() {
        let ids = |ids: &[u32], from| Request::Score { text: ScoredText::Ids(ids.to_vec()), from };
        let prefix = Ask { part: AskPart::Prefix, label: None, ..ask("", ids(&[1, 2], 0)) };
        let asks = vec![prefix, ask("A", ids(&[1, 2, 3], 2)), ask("B", ids(&[1, 2, 4, 5], 2))];
        let shared = Item { asks, ..item(&[]) };
        let outcomes = [scored(2, -3.0), scored(3, -1.0), scored(4, -2.0)];
        let found = conclude(&shared, &outcomes, PplDenominator::Tokens);
        let whole = conclude(&item(&["A", "B"]), &[scored(3, -4.0), scored(4, -5.0)], PplDenominator::Tokens);
        for label in ["label: A", "label: B"] {
            assert_eq!(found.record[label]["PPL"], whole.record[label]["PPL"]);
        }
        assert_eq!(found.text.as_deref(), Some("B"));
        // Without the beginning no label has a score.
        let failed = [Err("status 500".to_owned())];
        assert_eq!(conclude(&shared, &failed, PplDenominator::Tokens).error.as_deref(), Some("status 500"));
    }

    #[test]
    fn calibration_takes_off_what_the_answer_says_alone() {
        let behind = |ids: usize, from| Request::Score { text: ScoredText::Ids(vec![0; ids]), from };
        let mut asks = Vec::new();
        for label in ["A", "B"] {
            asks.push(ask(label, behind(10, 8)));
            asks.push(Ask { part: AskPart::Baseline, ..ask(label, behind(5, 3)) });
        }
        let item = Item { asks, ..item(&[]) };
        // A: 2 - 0.5, B: 3 - 2.5.
        let outcomes = [scored(10, -4.0), scored(5, -1.0), scored(10, -6.0), scored(5, -5.0)];
        let found = conclude(&item, &outcomes, PplDenominator::Tokens);
        assert_eq!(found.record["label: A"]["PPL"], 1.5);
        assert_eq!(found.record["label: B"]["PPL"], 0.5);
        assert_eq!(found.text.as_deref(), Some("B"));
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
