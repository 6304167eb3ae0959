//! `rolling`: measures a text from its first to its last token, in windows of the model's context.
//!
//! With the model's tokenizer, a window is a run of its tokens after one `<s>`, so that every token of the text
//! is scored exactly once. Without it, a window is a piece of text that is short enough for any byte-level
//! tokenizer; bytes that a server cannot score are taken out of the denominator.

use serde_json::json;

use super::prediction::first_error;
use super::{Ask, Item, Measured, Outcome, Prediction};
use crate::dataset::Dataset;
use crate::model::{Answer, Profile, Request, ScoredText};
use crate::prompt::python_str;

/// Creates one request per window.
pub(super) fn item(dataset: &Dataset, index: usize, profile: &Profile) -> Result<Item, String> {
    let row = &dataset.test[index];
    let text = python_str(&row.visible[&dataset.config.reader.input[0]]);
    let limit = dataset.config.infer.max_document_bytes.unwrap_or(usize::MAX);
    let text = &text[..text.floor_char_boundary(limit)];
    let windows = token_windows(text, profile).unwrap_or_else(|| text_windows(text, profile.max_seq_len));
    let asks = windows.into_iter().enumerate().map(|(window, scored)| {
        let ask = Ask::new(Request::Score { text: scored, from: 0 }, profile);
        // The first window carries the bytes of the whole text, because ids do not tell how many are theirs.
        Ask { bytes: if window == 0 { text.len() } else { 0 }, ..ask }
    });
    Ok(Item { asks: asks.collect(), gold: row.gold(&dataset.config.reader), ..Item::default() })
}

/// Cuts the text into runs of the model's own tokens, each after `<s>`. Returns `None` without a tokenizer or
/// without such a token.
fn token_windows(text: &str, profile: &Profile) -> Option<Vec<ScoredText>> {
    let tokenizer = profile.tokenizer.as_ref()?;
    let start = tokenizer.bos().or(tokenizer.eos())?;
    let length = profile.max_seq_len.saturating_sub(2).max(1);
    let ids = tokenizer.encode(text);
    let window = |ids: &[internlm_model::TokenId]| {
        ScoredText::Ids(std::iter::once(start).chain(ids.iter().copied()).map(|id| id.0).collect())
    };
    Some(ids.chunks(length).map(window).collect())
}

/// Cuts the text into pieces of at most `max_seq_len - 2` bytes. A byte-level tokenizer never produces more tokens
/// than bytes, so each piece fits.
fn text_windows(text: &str, max_seq_len: usize) -> Vec<ScoredText> {
    let length = max_seq_len.saturating_sub(2).max(4);
    let mut windows = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (window, tail) = rest.split_at(rest.floor_char_boundary(length));
        windows.push(ScoredText::Text(window.to_owned()));
        rest = tail;
    }
    windows
}

/// Sums the windows. A text with a failed window counts as failed.
pub(super) fn conclude(item: &Item, outcomes: &[Outcome]) -> Prediction {
    let error = first_error(outcomes);
    let mut measured = Measured { bytes: item.asks.iter().map(|ask| ask.bytes).sum(), ..Measured::default() };
    for outcome in outcomes {
        if let Ok(Answer::Scored { tokens, log_prob, unscored_bytes }) = outcome {
            measured.bits -= log_prob / std::f64::consts::LN_2;
            measured.bytes = measured.bytes.saturating_sub(*unscored_bytes);
            measured.tokens += tokens.saturating_sub(1);
        }
    }
    let measured = error.is_none().then_some(measured);
    let record = json!({
        "windows": item.asks.len(),
        "prediction": measured.map(|measured| json!({
            "bits": measured.bits,
            "bytes": measured.bytes,
            "tokens": measured.tokens,
            "bits_per_byte": measured.bits_per_byte(),
        })),
        "gold": item.gold,
        "error": error,
    });
    Prediction { gold: item.gold.clone(), measured, error, record, ..Prediction::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_windows_join_to_the_text_at_character_boundaries() {
        let text = "ä€😀b".repeat(100);
        let windows = text_windows(&text, 16);
        let joined: String = windows
            .iter()
            .map(|window| match window {
                ScoredText::Text(text) => {
                    assert!(text.len() <= 14, "{}", text.len());
                    text.as_str()
                }
                ScoredText::Ids(_) => panic!("text was asked for"),
            })
            .collect();
        assert_eq!(joined, text);
    }
}
