//! `gen`, and `chat` with its last turn: one prompt and one answer per row.

use serde_json::{Map, json};

use super::prediction::first_error;
use super::record::closed;
use super::shots::{Asker, Separator, examples_of};
use super::speaker::Speaker;
use super::{Ask, Item, Outcome, Prediction};
use crate::dataset::Dataset;
use crate::model::{Answer, ChatMessage, Profile, Request};
use crate::prompt::{PromptList, Purpose, raw_examples, raw_messages, render_text};

/// Creates the request of row `index` for its answer number `number`.
pub(super) fn item(
    dataset: &Dataset,
    (index, number): (usize, u64),
    speaker: Speaker<'_>,
    profile: &Profile,
) -> Result<Item, String> {
    let gold = dataset.test[index].gold(&dataset.config.reader);
    if !dataset.config.prompt.messages.is_empty() {
        let (request, shots, dropped_shots) = raw(dataset, (index, number), speaker, profile)?;
        return Ok(Item {
            asks: vec![Ask::new(request, profile)],
            shots,
            dropped_shots,
            gold,
            ..Item::default()
        });
    }
    let asker = Asker::new(dataset, Separator::Removed)?;
    let render = |list: &PromptList, _| speaker.request(list, number);
    let fitted = asker.fit(index, None, (profile, speaker.limit()), render)?;
    Ok(Item {
        asks: vec![Ask::new(fitted.prompt, profile)],
        shots: render_text(&fitted.shots, None, Purpose::Score)?,
        dropped_shots: fitted.dropped,
        gold,
        ..Item::default()
    })
}

/// Renders raw messages, with fewer examples if the prompt would be too long. Returns the request, the text of the
/// examples and the number of dropped ones.
fn raw(
    dataset: &Dataset,
    (index, number): (usize, u64),
    speaker: Speaker<'_>,
    profile: &Profile,
) -> Result<(Request, String, usize), String> {
    let prompt = &dataset.config.prompt;
    let example = if prompt.ice_messages.is_empty() { &prompt.messages } else { &prompt.ice_messages };
    let ids = examples_of(dataset, index)?;
    let mut count = ids.len();
    loop {
        let mut shots: Vec<ChatMessage> = Vec::new();
        for id in &ids[..count] {
            let row = dataset.train.get(*id).ok_or_else(|| {
                format!("few_shot: found the example {id}, expected a row below {}", dataset.train.len())
            })?;
            shots.extend(raw_examples(example, &row.visible)?);
        }
        let row = &dataset.test[index].visible;
        let messages = raw_messages(&prompt.messages, row, prompt.ice_token.as_deref(), &shots)?;
        let (request, text) = speaker.raw(messages, number)?;
        let length = profile.tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.encode(&text).len() + 1);
        if count == 0 || length <= speaker.limit() {
            let shots: String = shots.iter().map(ChatMessage::text).collect();
            return Ok((request, shots, ids.len() - count));
        }
        count -= 1;
    }
}

/// Takes the answer as it is.
pub(super) fn conclude(item: &Item, outcomes: &[Outcome]) -> Prediction {
    let mut prediction =
        Prediction { gold: item.gold.clone(), error: first_error(outcomes), ..Prediction::default() };
    if let Some(Ok(Answer::Reply { text, calls, cut })) = outcomes.first() {
        prediction.text = Some(text.clone());
        prediction.cut = *cut;
        prediction.calls = calls.clone();
    }
    let mut record = Map::new();
    record.insert("origin_prompt".to_owned(), json!(item.asks.first().map(Ask::shown)));
    record.insert("prediction".to_owned(), json!(prediction.text));
    if !prediction.calls.is_empty() {
        record.insert("tool_calls".to_owned(), json!(prediction.calls));
    }
    if prediction.cut {
        record.insert("finish_reason".to_owned(), json!("length"));
    }
    closed(item, prediction, record)
}
