//! [`write_preference`]: comparisons of answers as rows of one form, whichever form they were read from.

use internlm_model::chat::Message;
use internlm_model::chat::openai::write_messages;
use serde_json::{Value, json};

use crate::preference::Preference;

/// A row `{"prompt": [..], "chosen": [..], "rejected": [..]}`, or `{"prompt", "completion", "label"}` of a single
/// answer, with OpenAI's messages. Tools stay the system message that offers them.
///
/// # Errors
/// Messages that are not JSON.
///
/// ```
/// use xtuner::dataset::format::write_preference;
/// use xtuner::preference::parse_preference;
///
/// let pair = parse_preference(r#"{"instruction": "2 + 2?", "chosen": "4", "rejected": "5"}"#);
/// let row = write_preference(&pair.expect("a pair"))?;
/// assert_eq!(row["chosen"][0]["content"], "4");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn write_preference(preference: &Preference) -> serde_json::Result<Value> {
    match preference {
        Preference::Pair { prompt, chosen, rejected } => {
            let (_, rejected) = written(prompt, rejected)?;
            let (prompt, chosen) = written(prompt, chosen)?;
            Ok(json!({"prompt": prompt, "chosen": chosen, "rejected": rejected}))
        }
        Preference::Desirable { prompt, answer } => single(prompt, answer, true.into()),
        Preference::Undesirable { prompt, answer } => single(prompt, answer, false.into()),
    }
}

fn single(prompt: &[Message], answer: &[Message], label: Value) -> serde_json::Result<Value> {
    let (prompt, answer) = written(prompt, answer)?;
    Ok(json!({"prompt": prompt, "completion": answer, "label": label}))
}

/// A prompt and an answer to it; written at once, because results name the calls of both.
fn written(prompt: &[Message], answer: &[Message]) -> serde_json::Result<(Vec<Value>, Vec<Value>)> {
    let messages = write_messages(&[prompt, answer].concat());
    let values = messages.iter().map(serde_json::to_value);
    let mut prompt_values = values.collect::<serde_json::Result<Vec<Value>>>()?;
    let answer_values = prompt_values.split_off(prompt.len());
    Ok((prompt_values, answer_values))
}
