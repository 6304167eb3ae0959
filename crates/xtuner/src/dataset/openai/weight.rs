//! What `loss` and `weight` say about a message: how much it counts in training.

use internlm_model::chat::openai::{ChatMessage, MessageRole};
use serde_json::Value;

use crate::dataset::format::Problem;

/// Keys that say in other programs what is learned (axolotl, LLaMA-Factory and others).
pub(crate) const FOREIGN_WEIGHTS: [&str; 8] =
    ["train", "training", "train_on_turn", "trainable", "mask", "masked", "loss_mask", "loss_weight"];

/// Takes `loss` and `weight` out of a message, so that neither reaches a template; `None` when nothing is said.
///
/// `loss` is true or false, `weight` a number of at least 0, in any spelling.
///
/// # Errors
/// Other values, keys with which other programs say what is learned, loss on what the assistant did not say, and two
/// keys that contradict each other.
pub(super) fn take_weight(message: &mut ChatMessage, place: &str) -> Result<Option<f32>, Problem> {
    let foreign = FOREIGN_WEIGHTS.into_iter().find_map(|key| {
        let value = message.fields.get(key).filter(|value| !value.is_null())?;
        Some(format!("{place}.{key}: {value}"))
    });
    if let Some(found) = foreign {
        return Err((found, "`loss` or `weight` to say what is learned".to_owned()));
    }
    let is_whole = |number: f64| number == 0.0 || number == 1.0;
    let loss =
        take(message, place, Key { name: "loss", accepts: is_whole, expected: "true or false, 1 or 0" })?;
    let is_weight = |number: f64| (0.0..=f64::from(f32::MAX)).contains(&number);
    let weight =
        take(message, place, Key { name: "weight", accepts: is_weight, expected: "a number of at least 0" })?;
    match (loss, weight) {
        (Some(loss), Some(weight)) if (loss > 0.0) != (weight > 0.0) => {
            let found = format!("{place}: `loss` and `weight` that contradict each other");
            Err((found, "one of them".to_owned()))
        }
        (_, Some(weight)) => Ok(Some(weight as f32)),
        (Some(loss), None) => Ok(Some(loss as f32)),
        (None, None) => Ok(None),
    }
}

/// A key that says how much a message counts.
struct Key {
    name: &'static str,
    accepts: fn(f64) -> bool,
    expected: &'static str,
}

fn take(message: &mut ChatMessage, place: &str, key: Key) -> Result<Option<f64>, Problem> {
    let Key { name, accepts, expected } = key;
    let Some(value) = message.fields.shift_remove(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let number = number_of(&value).filter(|number| accepts(*number));
    let number = number.ok_or_else(|| (format!("{place}.{name}: {value}"), expected.to_owned()))?;
    if number > 0.0 && message.role != MessageRole::Assistant {
        let found = format!("{place}.{name}: {value} on a message that is not the assistant's");
        return Err((found, "loss on assistant messages only".to_owned()));
    }
    Ok(Some(number))
}

/// Numbers, booleans and both as text.
fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(kept) => Some(f64::from(u8::from(*kept))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "true" => Some(1.0),
            "false" => Some(0.0),
            text => text.parse().ok(),
        },
        _ => None,
    }
}
