//! Ids that were made elsewhere: InternEvo's signed `tokens`, and `input_ids` with `labels` or a `loss_mask`.

use internlm_model::TokenId;
use internlm_model::chat::json_kind;
use serde_json::Value;

use super::compat::Compat;
use super::row::{Parsed, RowFields};
use super::value::Problem;
use crate::dataset::Sample;

/// The label of transformers that takes no part in the loss.
pub(super) const IGNORED: i64 = -100;

/// Keys that say how rows were packed or padded: rows are packed anew.
const PACKED: [&str; 4] = ["position_ids", "cumulative_len", "cu_seqlens", "token_type_ids"];

/// InternEvo's `tokens`: a negative id is not learned. XTuner masks the id 0 too, which here is an id as any other.
///
/// # Errors
/// What is not a list of ids.
pub(super) fn internevo(row: &mut RowFields, compat: Compat) -> Result<Parsed, Problem> {
    let mut sample = Sample::default();
    for (index, token) in integers(row.list("tokens")?, "tokens")?.into_iter().enumerate() {
        let learned = token > 0 || token == 0 && compat == Compat::None;
        sample.ids.push(id(token.unsigned_abs(), "tokens", index)?);
        sample.weights.push(if learned { 1.0 } else { 0.0 });
    }
    Ok(kept(sample))
}

/// `input_ids` with `labels` (-100 or the id itself at the same place) or `loss_mask` (0 or 1); without either, all are
/// learned.
///
/// # Errors
/// What are not lists of ids of one length, other labels, and rows that were padded or packed.
pub(super) fn tokenized(row: &mut RowFields) -> Result<Parsed, Problem> {
    let ids = integers(row.list("input_ids")?, "input_ids")?;
    if let Some(key) = PACKED.into_iter().find(|key| row.has(key)) {
        return Err((format!("`{key}`"), "one sample in each row: rows are packed here".to_owned()));
    }
    let (labels, mask) = (column(row, "labels")?, column(row, "loss_mask")?);
    let padding = column(row, "attention_mask")?;
    for (key, list) in [("labels", &labels), ("loss_mask", &mask), ("attention_mask", &padding)] {
        if let Some(list) = list.as_ref().filter(|list| list.len() != ids.len()) {
            return Err((format!("{key}: {} values", list.len()), format!("{}, one for each id", ids.len())));
        }
    }
    if padding.is_some_and(|mask| mask.contains(&0)) {
        return Err(("attention_mask: 0".to_owned(), "rows without padding".to_owned()));
    }
    let mut sample = Sample::default();
    for (index, token) in ids.iter().enumerate() {
        let number = u64::try_from(*token)
            .map_err(|_| (format!("input_ids.{index}: {token}"), "an id of at least 0".to_owned()))?;
        sample.ids.push(id(number, "input_ids", index)?);
    }
    sample.weights = match (labels, mask) {
        (Some(_), Some(_)) => {
            return Err(("`labels` next to `loss_mask`".to_owned(), "only one of the two".to_owned()));
        }
        (Some(labels), None) => weights(&labels, "labels", |index, label| match label {
            IGNORED => Some(0.0),
            label => (label == ids[index]).then_some(1.0),
        })?,
        (None, Some(mask)) => weights(&mask, "loss_mask", |_, mask| match mask {
            0 => Some(0.0),
            1 => Some(1.0),
            _ => None,
        })?,
        (None, None) => vec![1.0; ids.len()],
    };
    Ok(kept(sample))
}

fn kept(sample: Sample) -> Parsed {
    if sample.ids.is_empty() { Parsed::Left("the row has no ids") } else { Parsed::Tokens(sample) }
}

fn column(row: &mut RowFields, key: &str) -> Result<Option<Vec<i64>>, Problem> {
    if row.has(key) { Ok(Some(integers(row.list(key)?, key)?)) } else { Ok(None) }
}

fn integers(values: Vec<Value>, key: &str) -> Result<Vec<i64>, Problem> {
    let numbered = values.into_iter().enumerate();
    let read = numbered.map(|(index, value)| {
        value.as_i64().ok_or_else(|| {
            let found = if value.is_number() { value.to_string() } else { json_kind(&value).to_owned() };
            (format!("{key}.{index}: {found}"), "a whole number".to_owned())
        })
    });
    read.collect()
}

fn id(number: u64, key: &str, index: usize) -> Result<TokenId, Problem> {
    let id = u32::try_from(number);
    id.map(TokenId)
        .map_err(|_| (format!("{key}.{index}: {number}"), format!("an id of at most {}", u32::MAX)))
}

fn weights(
    values: &[i64],
    key: &str,
    weight: impl Fn(usize, i64) -> Option<f32>,
) -> Result<Vec<f32>, Problem> {
    let numbered = values.iter().copied().enumerate();
    let read = numbered.map(|(index, value)| {
        weight(index, value).ok_or_else(|| {
            let expected = if key == "labels" { "-100, or the id at the same place" } else { "0 or 1" };
            (format!("{key}.{index}: {value}"), expected.to_owned())
        })
    });
    read.collect()
}
