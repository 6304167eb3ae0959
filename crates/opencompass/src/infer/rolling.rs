//! `rolling`: measures a text from its first to its last token, in windows of the model's context.
//!
//! With the model's tokenizer, a window is a run of its tokens after one `<s>`, so that every token of the text
//! is scored exactly once; `style = "harness"` cuts as the evaluation harness does. Without the tokenizer, a window is a
//! piece of text that is short enough for any byte-level tokenizer; bytes that a server cannot score are taken out of the
//! denominator.

use serde_json::{Map, json};

use super::labels::ids_of;
use super::prediction::first_error;
use super::record::closed;
use super::windows::{rolling_windows, text_pieces, token_runs};
use super::{Ask, Item, Measured, Outcome, Prediction};
use crate::dataset::{Dataset, LikelihoodStyle};
use crate::model::{Answer, Profile, Request};
use crate::prompt::python_str;

/// The request that carries the text of all windows, because ids do not tell how many bytes are theirs.
pub(super) const START: usize = 0;

/// Creates one request per window.
pub(super) fn item(dataset: &Dataset, index: usize, profile: &Profile) -> Result<Item, String> {
    let infer = &dataset.config.infer;
    let row = &dataset.test[index];
    let column = dataset.config.reader.input.first().and_then(|column| row.visible.get(column));
    let text = python_str(column.ok_or("reader.input: found no column, expected the one of the text")?);
    let limit = infer.max_document_bytes.unwrap_or(usize::MAX);
    let text = &text[..text.floor_char_boundary(limit)];
    let windows = windows(text, infer.style.unwrap_or_default(), profile)?;
    let mut asks: Vec<Ask> = windows.into_iter().map(|request| Ask::new(request, profile)).collect();
    if let Some(first) = asks.get_mut(START) {
        first.bytes = text.len();
        first.prompt = Some(text.to_owned());
    }
    Ok(Item { asks, gold: row.gold(&dataset.config.reader), ..Item::default() })
}

/// Cuts the text into runs of the model's own tokens, or into pieces of text without a tokenizer or without `<s>`.
fn windows(text: &str, style: LikelihoodStyle, profile: &Profile) -> Result<Vec<Request>, String> {
    let length = profile.max_seq_len.saturating_sub(2);
    let known = profile.tokenizer.as_ref();
    let start = known.and_then(|tokenizer| tokenizer.bos().or(tokenizer.eos())).map(|id| id.0);
    match (known, start, style) {
        (Some(tokenizer), Some(start), LikelihoodStyle::Opencompass) => {
            let ids: Vec<u32> = tokenizer.encode(text).into_iter().map(|id| id.0).collect();
            Ok(token_runs(&ids, start, length))
        }
        (Some(tokenizer), Some(start), LikelihoodStyle::Harness) => {
            let mut ids = ids_of(tokenizer, text);
            // The harness adds the beginning itself.
            if ids.first() == Some(&start) {
                ids.remove(0);
            }
            Ok(rolling_windows(&ids, start, length))
        }
        (_, _, LikelihoodStyle::Opencompass) => Ok(text_pieces(text, length)),
        (_, _, LikelihoodStyle::Harness) => {
            Err("infer.style harness: found a model without a tokenizer, expected model.weights".to_owned())
        }
    }
}

/// Sums the windows. A text with a failed window counts as failed.
pub(super) fn conclude(dataset: &Dataset, item: &Item, outcomes: &[Outcome]) -> Prediction {
    let error = first_error(outcomes);
    let text = item.asks.get(START).and_then(|ask| ask.prompt.as_deref()).unwrap_or_default();
    let mut measured = Measured {
        bytes: item.asks.iter().map(|ask| ask.bytes).sum(),
        characters: text.chars().count(),
        words: text.split_whitespace().count(),
        ..Measured::default()
    };
    for (ask, outcome) in item.asks.iter().zip(outcomes) {
        if let Ok(Answer::Scored { tokens, log_prob, unscored_bytes }) = outcome {
            measured.bits -= log_prob / std::f64::consts::LN_2;
            measured.bytes = measured.bytes.saturating_sub(*unscored_bytes);
            measured.tokens += tokens.saturating_sub(context(ask));
        }
    }
    // With a sliding window, the first row's requests measure the other rows too.
    let elsewhere = dataset.config.infer.window.is_some() && item.row > 0;
    let measured = (error.is_none() && !elsewhere).then_some(measured);
    let mut record = Map::new();
    record.insert("windows".to_owned(), json!(item.asks.len()));
    let shown = measured.map(|measured| {
        json!({
            "bits": measured.bits,
            "bytes": measured.bytes,
            "tokens": measured.tokens,
            "bits_per_byte": measured.bits_per_byte(),
        })
    });
    record.insert("prediction".to_owned(), json!(shown));
    // Upstream's record of sliding windows, which its evaluator of bits per character reads.
    let sliding = measured.filter(|_| dataset.config.infer.window.is_some());
    let value = sliding.map(|measured| {
        let loss = measured.bits * std::f64::consts::LN_2;
        json!({ "loss": loss, "total_chr_num": measured.characters })
    });
    let gold = item.gold.clone();
    closed(item, Prediction { gold, value, measured, error, ..Prediction::default() }, record)
}

/// Number of first tokens of a window that are not scored; the first of all never is.
fn context(ask: &Ask) -> usize {
    match ask.request {
        Request::Score { from, .. } => from.max(1),
        _ => 1,
    }
}
