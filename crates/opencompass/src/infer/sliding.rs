//! `rolling` with a `window`: the loss of all rows as one text, in overlapping windows (`SWCELossInferencer`).
//!
//! Upstream joins the tokens of all rows and slides a window over them, so a window may begin in one row and end in
//! another. The first row's item therefore has the requests of the whole set, and the others have none.
//! BPC = total loss / (characters x ln 2).

use super::labels::ids_of;
use super::rolling::START;
use super::shots::{Asker, Separator};
use super::windows::sliding_windows;
use super::{Ask, Item};
use crate::dataset::{Dataset, WindowConfig};
use crate::model::Profile;
use crate::prompt::{PromptList, Purpose, render_text};

/// Creates the requests of the whole set for the first row.
pub(super) fn item(
    dataset: &Dataset,
    index: usize,
    window: WindowConfig,
    profile: &Profile,
) -> Result<Item, String> {
    let gold = dataset.test[index].gold(&dataset.config.reader);
    if index > 0 {
        return Ok(Item { gold, ..Item::default() });
    }
    let tokenizer = profile
        .tokenizer
        .as_ref()
        .ok_or("infer.window: found a model without a tokenizer, expected model.weights, which has one")?;
    if window.block_size + 1 > profile.max_seq_len {
        return Err(format!(
            "infer.window.block_size: found {}, expected less than the model's context of {} tokens",
            window.block_size, profile.max_seq_len
        ));
    }
    let asker = Asker::new(dataset, Separator::Removed)?;
    let empty = PromptList::Text(String::new());
    let mut ids = Vec::new();
    let mut text = String::new();
    for row in 0..dataset.test.len() {
        let list = asker.question(row, None, &empty)?;
        let prompt = render_text(&list, None, Purpose::Score)?;
        ids.extend(ids_of(tokenizer, &prompt));
        text.push_str(&prompt);
    }
    let mut asks: Vec<Ask> = sliding_windows(&ids, window.block_size, window.stride)
        .into_iter()
        .map(|request| Ask::new(request, profile))
        .collect();
    if let Some(first) = asks.get_mut(START) {
        first.bytes = text.len();
        first.prompt = Some(text);
    }
    Ok(Item { asks, gold, ..Item::default() })
}
