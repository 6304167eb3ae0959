//! `gen` and `chat`: one prompt and one answer per row.

use serde_json::{Value, json};

use super::prediction::first_error;
use super::shots::Asker;
use super::{Ask, InferContext, Item, Outcome, Prediction};
use crate::dataset::{Dataset, Mode};
use crate::model::{Answer, ChatMessage, MessageRole, Profile, Protocol, Request, Sampling};
use crate::prompt::{MetaTemplate, PromptList, Purpose, RoleMessage, render_messages, render_text};

/// Creates the request of row `index`.
pub(super) fn item(
    dataset: &Dataset,
    (index, replica): (usize, usize),
    profile: &Profile,
    context: InferContext,
) -> Result<Item, String> {
    let infer = &dataset.config.infer;
    let sampling = Sampling {
        max_tokens: infer.max_out_len,
        temperature: infer.temperature.unwrap_or(0.0),
        stop: infer.stop.clone(),
        // Every answer of a row has its own seed, and so its own place in the store.
        seed: context.seed.wrapping_add(replica as u64),
    };
    let chat = infer.mode == Mode::Chat || profile.protocol == Protocol::Chat;
    let request = |list: &PromptList| {
        if chat {
            let meta = profile.meta_template.clone().filter(has_api_roles).unwrap_or_else(MetaTemplate::api);
            let messages = messages(render_messages(list, &meta, Purpose::Generate)?)?;
            let text: String = messages.iter().map(ChatMessage::text).collect();
            let tools = infer.tools.clone();
            Ok((Request::Chat { messages, tools, sampling: sampling.clone() }, text))
        } else {
            let prompt = render_text(list, profile.meta_template.as_ref(), Purpose::Generate)?;
            Ok((Request::Complete { prompt: prompt.clone(), sampling: sampling.clone() }, prompt))
        }
    };
    let limit = profile.max_seq_len.saturating_sub(infer.max_out_len.unwrap_or(0) as usize);
    let fitted = Asker::new(dataset)?.fit(index, None, profile, limit, request)?;
    Ok(Item {
        asks: vec![Ask::new(fitted.prompt, profile)],
        shots: render_text(&fitted.shots, None, Purpose::Score)?,
        dropped_shots: fitted.dropped,
        gold: dataset.test[index].gold(&dataset.config.reader),
        ..Item::default()
    })
}

/// Says whether a meta template names API roles. One that is made for text does not; messages then use the usual
/// roles.
fn has_api_roles(meta: &MetaTemplate) -> bool {
    meta.round
        .iter()
        .any(|part| matches!(part, crate::prompt::MetaPart::Role(role) if role.api_role.is_some()))
}

fn messages(turns: Vec<RoleMessage>) -> Result<Vec<ChatMessage>, String> {
    let message = |turn: RoleMessage| {
        let role = match turn.role.as_str() {
            "SYSTEM" => MessageRole::System,
            "HUMAN" => MessageRole::User,
            "BOT" => MessageRole::Assistant,
            other => return Err(format!("api_role: found `{other}`, expected HUMAN, BOT or SYSTEM")),
        };
        Ok(ChatMessage::new(role, turn.prompt))
    };
    turns.into_iter().map(message).collect()
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
    let mut record = serde_json::Map::new();
    record.insert("origin_prompt".to_owned(), item.asks[0].request.shown());
    record.insert("prediction".to_owned(), json!(prediction.text));
    if !prediction.calls.is_empty() {
        record.insert("tool_calls".to_owned(), json!(prediction.calls));
    }
    if prediction.cut {
        record.insert("finish_reason".to_owned(), json!("length"));
    }
    record.insert("gold".to_owned(), prediction.gold.clone());
    if item.dropped_shots > 0 {
        record.insert("dropped_shots".to_owned(), json!(item.dropped_shots));
    }
    if let Some(error) = &prediction.error {
        record.insert("error".to_owned(), json!(error));
    }
    prediction.record = Value::Object(record);
    prediction
}
