//! [`parse_preference`]: one row of a file, whichever form it has.

use internlm_model::chat::json_kind;
use internlm_model::chat::openai::{ChatMessage, MessageRole};
use serde_json::Value;

use super::messages::{answer, in_chat_format};
use super::opinion::Preference;
use super::prompt::Fields;
use super::transcript::transcript;
use crate::dataset::format::{Problem, parse_value};

/// What every row has.
const SHAPE: &str =
    r#"with a prompt, `chosen` and `rejected`: {"prompt": [..], "chosen": [..], "rejected": [..]}"#;

/// Keys of single answers whose value says whether the answer is liked.
const LABELS: [&str; 2] = ["label", "kto_tag"];

/// Parses one row into what it says.
///
/// # Errors
/// What was found and what was expected.
///
/// ```
/// use xtuner::preference::{Preference, parse_preference};
///
/// let row = r#"{"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}"#;
/// let Ok(Preference::Pair { prompt, chosen, .. }) = parse_preference(row) else { panic!("a pair") };
/// assert_eq!((prompt[0].text(), chosen[0].text()), ("2 + 2?", "4"));
/// ```
pub fn parse_preference(line: &str) -> Result<Preference, (String, String)> {
    let map = match parse_value(line, SHAPE)? {
        Value::Object(map) => map,
        other => return Err((json_kind(&other).to_owned(), format!("an object {SHAPE}"))),
    };
    let fields = Fields(&map);
    if let (Some(chosen), Some(rejected)) = (fields.get("chosen"), fields.get("rejected")) {
        return pair(&fields, [chosen, rejected]);
    }
    match LABELS.into_iter().find_map(|key| Some((key, fields.get(key)?))) {
        Some((key, label)) => single(&fields, (key, label)),
        None => {
            let keys: Vec<&str> = map.keys().map(String::as_str).collect();
            let found = format!("an object with the keys {}", keys.join(", "));
            Err((found, "`chosen` and `rejected`, or an answer with `label`".to_owned()))
        }
    }
}

fn pair(fields: &Fields<'_>, [chosen, rejected]: [&Value; 2]) -> Result<Preference, Problem> {
    let prompt = fields.prompt()?;
    let [mut chosen, mut rejected] = match (&prompt, chosen, rejected) {
        (None, Value::String(chosen), Value::String(rejected)) => {
            [turns(chosen, "chosen")?, turns(rejected, "rejected")?]
        }
        _ => [answer(chosen, "chosen")?, answer(rejected, "rejected")?],
    };
    let prompt = match prompt {
        Some(prompt) if !(is_whole(&chosen) && is_whole(&rejected)) => prompt,
        _ => fields.with_system(split(&mut chosen, &mut rejected))?,
    };
    check_answer("chosen", &chosen)?;
    check_answer("rejected", &rejected)?;
    check_prompt(&prompt)?;
    let tools = fields.tools()?;
    let (_, rejected) = in_chat_format(&prompt, &rejected, &tools)?;
    let (prompt, chosen) = in_chat_format(&prompt, &chosen, &tools)?;
    Ok(Preference::Pair { prompt, chosen, rejected })
}

/// A transcript at `key`.
fn turns(text: &str, key: &str) -> Result<Vec<ChatMessage>, Problem> {
    transcript(text).ok_or_else(|| {
        let found = format!("{key}: text that does not begin with `Human:`, and no prompt");
        (found, "`prompt`, `conversations`, `messages` or `instruction`, or transcripts".to_owned())
    })
}

/// Whether these are the messages of a conversation from its beginning.
fn is_whole(messages: &[ChatMessage]) -> bool {
    messages.first().is_some_and(|first| first.role != MessageRole::Assistant)
}

/// Takes out of both conversations what they begin with; a message is left to each of them.
fn split(chosen: &mut Vec<ChatMessage>, rejected: &mut Vec<ChatMessage>) -> Vec<ChatMessage> {
    let most = chosen.len().min(rejected.len()).saturating_sub(1);
    let shared = chosen.iter().zip(&*rejected).take(most).take_while(|(a, b)| a == b).count();
    rejected.drain(..shared);
    chosen.drain(..shared).collect()
}

fn single(fields: &Fields<'_>, (key, label): (&str, &Value)) -> Result<Preference, Problem> {
    let liked = match label {
        Value::Bool(liked) => *liked,
        Value::Number(number) if number.as_f64() == Some(1.0) => true,
        Value::Number(number) if number.as_f64() == Some(0.0) => false,
        other => return Err((format!("{key}: {other}"), "true or false".to_owned())),
    };
    let mut prompt = fields.prompt()?.unwrap_or_default();
    let own = ["completion", "response", "output"].into_iter().find_map(|key| Some((key, fields.get(key)?)));
    let answer = match own {
        Some((key, value)) => answer(value, key)?,
        // The answer is what the conversation ends with.
        None => prompt.pop().into_iter().collect(),
    };
    check_answer("the answer", &answer)?;
    check_prompt(&prompt)?;
    let (prompt, answer) = in_chat_format(&prompt, &answer, &fields.tools()?)?;
    Ok(if liked {
        Preference::Desirable { prompt, answer }
    } else {
        Preference::Undesirable { prompt, answer }
    })
}

fn check_answer(key: &str, answer: &[ChatMessage]) -> Result<(), Problem> {
    let found = match answer.first().map(|first| first.role) {
        Some(MessageRole::Assistant) => return Ok(()),
        Some(role) => format!("{key}: a message of {} first", format!("{role:?}").to_lowercase()),
        None => format!("{key}: no message"),
    };
    Err((found, "an answer of the assistant".to_owned()))
}

fn check_prompt(prompt: &[ChatMessage]) -> Result<(), Problem> {
    if prompt.is_empty() {
        return Err(("no prompt before the answer".to_owned(), "at least one message".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
