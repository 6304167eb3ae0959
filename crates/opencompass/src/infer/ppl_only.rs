//! `ppl_only`: how likely the model finds a text, without any choice.
//!
//! Three measures, each as upstream's inferencer of that name: the mean loss over all tokens (`PPLOnlyInferencer`), the
//! mean of the least likely k % of the tokens (`MinKPercentInferencer`, <https://arxiv.org/abs/2310.16789>), and the
//! loss of the tokens inside of labelled spans of characters (`InferencePPLOnlyInferencer`).

use serde_json::{Map, Value, json};

use super::prediction::first_error;
use super::record::closed;
use super::shots::{Asker, Separator};
use super::{Ask, InferContext, Item, Measured, Outcome, PplDenominator, Prediction};
use crate::counted::counted;
use crate::dataset::{Dataset, TextMeasure};
use crate::model::{Answer, Profile, Request, ScoredText};
use crate::prompt::{PromptList, Purpose, render_text};

/// The share of the least likely tokens in percent, upstream's default.
const MIN_K_PERCENT: usize = 20;
/// How lmdeploy writes a token that is only part of a character, before its bytes.
const PARTIAL: &str = "bytes:";
/// Column of the spans that are measured, upstream's name: a list of `[start, end, 1]` in characters.
const SPANS: &str = "label";

/// Creates the request of row `index`.
pub(super) fn item(dataset: &Dataset, index: usize, profile: &Profile) -> Result<Item, String> {
    let infer = &dataset.config.infer;
    let meta = profile.meta_template.as_ref();
    let asker = Asker::new(dataset, Separator::Removed)?;
    let render = |list: &PromptList, _| {
        let text = render_text(list, meta, Purpose::Score)?;
        let limit = infer.max_document_bytes.unwrap_or(usize::MAX);
        let text = text[..text.floor_char_boundary(limit)].to_owned();
        Ok((text.clone(), text))
    };
    let fitted = asker.fit(index, None, (profile, profile.max_seq_len), render)?;
    let (text, bytes) = (ScoredText::Text(fitted.prompt.clone()), fitted.prompt.len());
    let request = match infer.measure.unwrap_or_default() {
        TextMeasure::Ppl => Request::Score { text, from: 0 },
        TextMeasure::MinK | TextMeasure::Inference => Request::Tokens { text },
    };
    Ok(Item {
        asks: vec![Ask { bytes, prompt: Some(fitted.prompt), ..Ask::new(request, profile) }],
        shots: render_text(&fitted.shots, meta, Purpose::Score)?,
        dropped_shots: fitted.dropped,
        gold: dataset.test[index].gold(&dataset.config.reader),
        ..Item::default()
    })
}

/// Computes the measure. The value of the prediction is the number, or `ppl` and `token_len` of labelled spans.
pub(super) fn conclude(
    dataset: &Dataset,
    item: &Item,
    outcomes: &[Outcome],
    context: InferContext,
) -> Prediction {
    let text = item.asks.first().and_then(|ask| ask.prompt.as_deref()).unwrap_or_default();
    let mut record = Map::new();
    record.insert("origin_prompt".to_owned(), json!(text));
    let mut prediction =
        Prediction { gold: item.gold.clone(), error: first_error(outcomes), ..Prediction::default() };
    let found = match outcomes.first() {
        Some(Ok(answer)) => {
            prediction.measured = measured(answer, text);
            match dataset.config.infer.measure.unwrap_or_default() {
                TextMeasure::Ppl => mean_loss(answer, context.denominator),
                TextMeasure::MinK => {
                    let percent = dataset.config.infer.min_k.unwrap_or(MIN_K_PERCENT);
                    log_probs(answer).and_then(|log_probs| least_likely(&log_probs, percent))
                }
                TextMeasure::Inference => {
                    let spans = dataset.test.get(item.row).and_then(|row| row.columns.get(SPANS));
                    in_spans(answer, text, spans)
                }
            }
        }
        _ => Ok(Map::new()),
    };
    match found {
        Ok(fields) => {
            prediction.value = match fields.len() {
                0 => None,
                1 => fields.values().next().cloned(),
                _ => Some(Value::Object(fields.clone())),
            };
            record.extend(fields);
        }
        Err(message) => prediction.error = Some(message),
    }
    closed(item, prediction, record)
}

fn wrong_kind() -> String {
    "answer: found another kind, expected log-probabilities".to_owned()
}

/// The information content of the text.
fn measured(answer: &Answer, text: &str) -> Option<Measured> {
    let (nats, tokens, unscored) = match answer {
        Answer::Scored { tokens, log_prob, unscored_bytes } => (-log_prob, *tokens, *unscored_bytes),
        Answer::Tokens { log_probs, .. } => (-log_probs.iter().flatten().sum::<f64>(), log_probs.len(), 0),
        _ => return None,
    };
    Some(Measured {
        bits: nats / std::f64::consts::LN_2,
        bytes: text.len().saturating_sub(unscored),
        tokens: tokens.saturating_sub(1),
        characters: text.chars().count(),
        words: text.split_whitespace().count(),
    })
}

/// Upstream's perplexity: the sum of the losses, divided by the number of tokens.
fn mean_loss(answer: &Answer, denominator: PplDenominator) -> Result<Map<String, Value>, String> {
    let Answer::Scored { tokens, log_prob, .. } = answer else { return Err(wrong_kind()) };
    let count = match denominator {
        PplDenominator::Tokens => *tokens,
        PplDenominator::Scored => tokens.saturating_sub(1),
    };
    if count == 0 {
        return Err("text: found no tokens to score".to_owned());
    }
    Ok(one("ppl", -log_prob / count as f64))
}

fn one(name: &str, value: f64) -> Map<String, Value> {
    std::iter::once((name.to_owned(), json!(value))).collect()
}

fn log_probs(answer: &Answer) -> Result<Vec<Option<f64>>, String> {
    match answer {
        Answer::Tokens { log_probs, .. } => Ok(log_probs.clone()),
        _ => Err(wrong_kind()),
    }
}

/// The mean log-probability of the least likely `percent` of all tokens, at least one. The first token, which has no
/// log-probability, counts for the share, as in upstream.
fn least_likely(log_probs: &[Option<f64>], percent: usize) -> Result<Map<String, Value>, String> {
    let count = (log_probs.len() * percent / 100).max(1);
    let mut known: Vec<f64> = log_probs.iter().skip(1).flatten().copied().collect();
    if known.len() < count {
        let found = counted(known.len(), "token");
        return Err(format!("text: found {found} to score, expected {count} or more"));
    }
    known.sort_by(f64::total_cmp);
    Ok(one("mink", known[..count].iter().sum::<f64>() / count as f64))
}

/// The loss of the tokens that overlap a labelled span, and their number.
fn in_spans(answer: &Answer, text: &str, spans: Option<&Value>) -> Result<Map<String, Value>, String> {
    let Answer::Tokens { log_probs, texts } = answer else { return Err(wrong_kind()) };
    let spans = spans_of(spans)?;
    let places = places(texts, text);
    let (mut loss, mut count) = (0.0, 0_usize);
    for (log_prob, place) in log_probs.iter().zip(&places).skip(1) {
        let (Some(log_prob), Some(place)) = (log_prob, place) else { continue };
        if spans.iter().any(|span| span.0 < place.1 && place.0 < span.1) {
            loss -= log_prob;
            count += 1;
        }
    }
    let mut fields = one("ppl", loss);
    fields.insert("token_len".to_owned(), json!(count));
    Ok(fields)
}

/// Reads the spans of a row.
fn spans_of(value: Option<&Value>) -> Result<Vec<(usize, usize)>, String> {
    let unfit = || {
        let found = value.map_or("none".to_owned(), ToString::to_string);
        format!("column {SPANS}: found {found}, expected a list of [start, end, 1]")
    };
    let number = |value: Option<&Value>| value.and_then(Value::as_u64).map(|number| number as usize);
    let span = |span: &Value| Some((number(span.get(0))?, number(span.get(1))?));
    let spans = value.and_then(Value::as_array).ok_or_else(unfit)?;
    spans.iter().map(|item| span(item).ok_or_else(unfit)).collect()
}

/// The characters that each token covers. A mark such as `<s>`, which is not in the text, covers none, and a token that
/// is only part of a character covers that character.
fn places(tokens: &[String], text: &str) -> Vec<Option<(usize, usize)>> {
    let bytes = |(place, character): (usize, char)| std::iter::repeat_n(place, character.len_utf8());
    let character_of: Vec<usize> = text.chars().enumerate().flat_map(bytes).collect();
    let mut at = 0;
    let mut place = |token: &String| {
        let length = match text.get(at..) {
            Some(rest) if rest.starts_with(token.as_str()) => token.len(),
            _ => token.strip_prefix(PARTIAL).map_or(0, |bytes| bytes.matches("\\x").count()),
        };
        let (first, last) = (character_of.get(at)?, character_of.get((at + length).checked_sub(1)?)?);
        at += length;
        (length > 0).then_some((*first, *last + 1))
    };
    tokens.iter().map(&mut place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(texts: &[&str], log_probs: &[Option<f64>]) -> Answer {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Answer::Tokens { log_probs: log_probs.to_vec(), texts }
    }

    #[test]
    fn the_least_likely_fifth_counts_the_first_token_for_the_share() {
        let log_probs: Vec<Option<f64>> =
            std::iter::once(None).chain((1..=10).map(|n| Some(-f64::from(n)))).collect();
        // 11 tokens: 20 % are 2, the least likely ones are -10 and -9.
        assert_eq!(least_likely(&log_probs, 20).expect("enough tokens")["mink"], -9.5);
        assert_eq!(least_likely(&log_probs[..2], 20).expect("one token")["mink"], -1.0);
        assert!(least_likely(&log_probs[..1], 20).is_err());
    }

    #[test]
    fn spans_are_characters_and_tokens_that_overlap_count() {
        let answer = tokens(
            &["<s>", "ab", "bytes:\\xe2\\x82", "bytes:\\xac", " c", "d"],
            &[None, Some(-1.0), Some(-2.0), Some(-4.0), Some(-8.0), Some(-16.0)],
        );
        let found = |spans: Value| {
            let fields = in_spans(&answer, "ab€ cd", Some(&spans)).expect("spans");
            (fields["ppl"].as_f64().expect("a number"), fields["token_len"].as_u64().expect("a number"))
        };
        assert_eq!(found(json!([[0, 1, 1]])), (1.0, 1));
        assert_eq!(found(json!([[2, 3, 1]])), (6.0, 2));
        assert_eq!(found(json!([[3, 4, 1], [5, 6, 1]])), (24.0, 2));
        assert!(in_spans(&answer, "", Some(&json!([[1]]))).expect_err("no end").contains("column label"));
    }
}
