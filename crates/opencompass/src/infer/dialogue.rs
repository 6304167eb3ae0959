//! `chat` over several turns, and `agent`: the last turn, every turn after the model's own answers, or every turn after
//! the expected ones (`ChatInferencer` and `AgentInferencer` upstream).

use internlm_model::chat::openai::ChatMessage;
use serde_json::{Map, Value, json};

use super::conversation::{Conversation, UseOfAnswers, conversation};
use super::record::{Spoken, all_spoken, closed, spoken};
use super::speaker::Speaker;
use super::{Ask, InferContext, Item, Outcome, Prediction};
use crate::dataset::{ChatTurns, Dataset};
use crate::model::{Answer, Profile};

/// Creates the requests that are known from the start: one, or one per turn after expected answers.
pub(super) fn item(
    dataset: &Dataset,
    (index, replica): (usize, usize),
    profile: &Profile,
    context: InferContext,
) -> Result<Item, String> {
    let chat = conversation(dataset, index)?;
    let speaker = Speaker::new(dataset, profile, context);
    let places = chat.turns();
    let ask = |place: usize| {
        let history = chat.messages[..place].to_vec();
        Ask::new(speaker.ask(history, replica as u64), profile)
    };
    let asks: Vec<Ask> = match dataset.config.infer.turns.unwrap_or_default() {
        ChatTurns::Last => places.last().map(|place| ask(*place)).into_iter().collect(),
        ChatTurns::Every => places.first().map(|place| ask(*place)).into_iter().collect(),
        ChatTurns::EveryWithGt => places.iter().map(|place| ask(*place)).collect(),
    };
    Ok(Item { row: index, replica, asks, gold: gold(&chat, dataset, index), ..Item::default() })
}

/// What the answers are compared with: the expected answer, a list of them, or nothing for judged conversations.
fn gold(chat: &Conversation, dataset: &Dataset, index: usize) -> Value {
    let turns = dataset.config.infer.turns.unwrap_or_default();
    match (chat.use_of_answers, turns) {
        (UseOfAnswers::Judged, ChatTurns::Every) => Value::Null,
        (UseOfAnswers::Compared, ChatTurns::Last) if dataset.config.reader.output.is_some() => {
            let gold = dataset.test[index].gold(&dataset.config.reader);
            // Of several answers in one column the last one is asked for.
            let last = gold.as_array().and_then(|answers| answers.last()).cloned();
            last.unwrap_or(gold)
        }
        (_, ChatTurns::Last) => expected(chat).pop().map_or(Value::Null, Value::from),
        (_, ChatTurns::Every | ChatTurns::EveryWithGt) => expected(chat).into(),
    }
}

/// The expected answers in their order.
fn expected(chat: &Conversation) -> Vec<String> {
    chat.turns().into_iter().map(|place| chat.messages[place].text()).collect()
}

/// Returns the request of the next turn, which holds the model's own answers so far.
pub(super) fn next(
    dataset: &Dataset,
    item: &Item,
    outcomes: &[Outcome],
    (profile, context): (&Profile, InferContext),
) -> Result<Vec<Ask>, String> {
    if dataset.config.infer.turns != Some(ChatTurns::Every) {
        return Ok(Vec::new());
    }
    // A failed turn ends the conversation; it is told by the prediction.
    let Ok(answers) = all_spoken(outcomes) else { return Ok(Vec::new()) };
    let mut chat = conversation(dataset, item.row)?;
    let places = chat.turns();
    let Some(place) = places.get(answers.len()) else { return Ok(Vec::new()) };
    for (place, answer) in places.iter().zip(&answers) {
        chat.messages[*place] = ChatMessage::assistant(answer.text);
    }
    let history = chat.messages[..*place].to_vec();
    let speaker = Speaker::new(dataset, profile, context);
    Ok(vec![Ask::new(speaker.ask(history, item.replica as u64), profile)])
}

/// Takes the answers of all turns that were asked.
pub(super) fn conclude(dataset: &Dataset, item: &Item, outcomes: &[Outcome]) -> Prediction {
    let turns = dataset.config.infer.turns.unwrap_or_default();
    let mut prediction = Prediction { gold: item.gold.clone(), ..Prediction::default() };
    let answers: Vec<Spoken<'_>> = outcomes.iter().filter_map(spoken).collect();
    let error = all_spoken(outcomes).err();
    prediction.cut = answers.iter().any(|answer| answer.cut);
    let mut record = Map::new();
    let chat = conversation(dataset, item.row);
    if turns == ChatTurns::Last {
        record.insert("origin_prompt".to_owned(), json!(item.asks.first().map(Ask::shown)));
        if let Some(answer) = answers.first() {
            prediction.text = Some(answer.text.to_owned());
        }
        if let Some(Ok(Answer::Reply { calls, .. })) = outcomes.first() {
            prediction.calls = calls.clone();
        }
        record.insert("prediction".to_owned(), json!(prediction.text));
        record.extend(answers.first().and_then(|answer| answer.steps).map(steps_of));
    } else {
        prediction.value = Some(value(chat.as_ref().ok(), &answers, turns));
        record.insert("origin_prompt".to_owned(), questions(chat.as_ref().ok()));
        record.insert("prediction".to_owned(), json!(prediction.value));
        if answers.iter().any(|answer| answer.steps.is_some()) {
            let steps: Value =
                answers.iter().map(|answer| Value::from(answer.steps.unwrap_or_default().to_vec())).collect();
            record.insert("steps".to_owned(), steps);
        }
    }
    prediction.error = error.or(chat.err());
    if prediction.error.is_some() {
        (prediction.text, prediction.value) = (None, None);
    }
    closed(item, prediction, record)
}

fn steps_of(steps: &[Value]) -> (String, Value) {
    ("steps".to_owned(), Value::from(steps.to_vec()))
}

/// The answers as a list, or as rounds with question and answer for conversations that are judged.
fn value(chat: Option<&Conversation>, answers: &[Spoken<'_>], turns: ChatTurns) -> Value {
    let texts = || answers.iter().map(|answer| answer.text);
    let Some(chat) = chat else { return texts().collect() };
    if chat.use_of_answers == UseOfAnswers::Compared || turns != ChatTurns::Every {
        return texts().collect();
    }
    let rounds = chat.turns().into_iter().zip(texts()).enumerate().map(|(round, (place, answer))| {
        let user = place.checked_sub(1).map(|before| chat.messages[before].text());
        json!({ "round": round + 1, "user": user, "assistant": answer })
    });
    rounds.collect()
}

/// The questions of all turns.
fn questions(chat: Option<&Conversation>) -> Value {
    let Some(chat) = chat else { return Value::Null };
    let question = |place: usize| place.checked_sub(1).map(|before| chat.messages[before].text());
    json!(chat.turns().into_iter().map(question).collect::<Vec<_>>())
}
