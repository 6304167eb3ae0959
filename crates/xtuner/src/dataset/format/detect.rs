//! [`detect`]: the format of a file, found out from the keys of its first row.
//!
//! Only formats that the keys leave no doubt of are found: several sets of one domain share their keys with others, and
//! a wrong guess would tell every model that it is a lawyer.

use internlm_model::chat::json_kind;
use serde_json::{Map, Value};

use super::name::Format;
use super::value::Problem;
use super::{msagent, text, transcript};

/// Formats that are known by their keys: the first whose keys a row has.
const KEYS: [(&[&str], Format); 11] = [
    (&["conversation"], Format::Default),
    (&["chat", "num_turns"], Format::Moss),
    (&["tokens"], Format::InternEvo),
    (&["input_ids"], Format::Tokenized),
    (&["instruction_zh", "output_zh"], Format::AlpacaZh),
    (&["instruction", "output"], Format::Alpaca),
    (&["system_prompt", "question", "response"], Format::OpenOrca),
    (&["question", "response"], Format::StackExchange),
    (&["description", "color"], Format::Colors),
    (&["abstract", "title"], Format::Arxiv),
    (&["input", "output"], Format::Default),
];

/// Keys that more than one format has, with the formats that can be named.
const NAMED: [(&[&str], &[Format]); 3] = [
    (&["question", "answer"], &[Format::LawReference, Format::Sql]),
    (&["prompt", "completion"], &[Format::CodeAlpaca]),
    (&["prompt", "response"], &[Format::TinyCodes]),
];

/// The format of a row.
///
/// # Errors
/// Keys that no format has, or several.
///
/// ```
/// use xtuner::dataset::format::{Format, detect};
///
/// let row = serde_json::json!({"instruction": "Add 1 and 1.", "input": "", "output": "2"});
/// assert_eq!(detect(&row), Ok(Format::Alpaca));
/// ```
pub fn detect(row: &Value) -> Result<Format, (String, String)> {
    match row {
        Value::Array(messages) => Ok(of_messages(messages)),
        Value::Object(fields) => of_keys(fields),
        other => Err((json_kind(other).to_owned(), "an object, or a list of messages".to_owned())),
    }
}

fn of_messages(messages: &[Value]) -> Format {
    let role = messages.first().and_then(|message| message.get("role")).and_then(Value::as_str);
    if role == Some(text::ROLE) { Format::Pretrain } else { Format::OpenAi }
}

fn of_keys(fields: &Map<String, Value>) -> Result<Format, Problem> {
    // Tables have every column in every row: null is absent.
    let says = |key: &str| fields.get(key).is_some_and(|value| !value.is_null());
    let has = |keys: &[&str]| keys.iter().all(|key| says(key));
    if let Some(messages) = ["messages", "dialogs"].iter().find_map(|key| fields.get(*key)) {
        return Ok(messages.as_array().map_or(Format::OpenAi, |messages| of_messages(messages)));
    }
    if let Some(turns) = fields.get("conversations") {
        return Ok(of_turns(turns));
    }
    if let Some(Value::String(said)) = fields.get("text") {
        return Ok(if said.contains(transcript::HUMAN) { Format::Oasst1 } else { Format::Pretrain });
    }
    if let Some((_, format)) = KEYS.iter().find(|(keys, _)| has(keys)) {
        return Ok(*format);
    }
    if let Some((_, formats)) = NAMED.iter().find(|(keys, _)| has(keys)) {
        let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
        let expected =
            format!("`dataset.format`: {}, which add a system text of their domain", names.join(", "));
        return Err((found(fields), expected));
    }
    if says("content") && !says("role") {
        return Ok(Format::Pretrain);
    }
    if says("chosen") && says("rejected") {
        let expected = "conversations; pairs are for `[objective] kind = \"preference\"`".to_owned();
        return Err((found(fields), expected));
    }
    let expected = "`messages`, `conversations`, `instruction`, `text`, or other keys that \
                    `xtuner list-dataset-format` shows";
    Err((found(fields), expected.to_owned()))
}

/// MS-Agent's turns by their marks, others are ShareGPT's.
fn of_turns(turns: &Value) -> Format {
    let is_marked = |text: &str| text.contains(msagent::THINK_BEGIN);
    let marked = match turns {
        Value::String(text) => is_marked(text),
        Value::Array(turns) => turns.iter().filter_map(|turn| turn.get("value")?.as_str()).any(is_marked),
        _ => false,
    };
    if marked { Format::MsagentReact } else { Format::ShareGpt }
}

fn found(fields: &Map<String, Value>) -> String {
    let keys: Vec<String> = fields.keys().map(|key| format!("`{key}`")).collect();
    if keys.is_empty() {
        "an object without keys".to_owned()
    } else {
        format!("the keys {}", keys.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_leave_no_doubt_name_their_format() {
        let say = |role: &str| json!({"role": role, "content": "x"});
        for (row, format) in [
            (json!([say("user")]), Format::OpenAi),
            (json!([say("pretrain")]), Format::Pretrain),
            (json!({"messages": [say("user")]}), Format::OpenAi),
            (json!({"messages": [say("pretrain")]}), Format::Pretrain),
            (json!({"dialogs": [say("user")]}), Format::OpenAi),
            (json!({"conversations": [{"from": "human", "value": "x"}]}), Format::ShareGpt),
            (json!({"conversations": [{"from": "a", "value": "<|startofthink|>"}]}), Format::MsagentReact),
            (json!({"conversations": "[{'value': '<|startofthink|>'}]"}), Format::MsagentReact),
            (json!({"conversation": []}), Format::Default),
            (json!({"meta_instruction": "", "num_turns": 1, "chat": {"turn_1": {}}}), Format::Moss),
            (json!({"text": "x"}), Format::Pretrain),
            (json!({"content": "x"}), Format::Pretrain),
            (json!({"text": "### Human: x"}), Format::Oasst1),
            (json!({"tokens": [1]}), Format::InternEvo),
            (json!({"input_ids": [1], "labels": [1]}), Format::Tokenized),
            (json!({"instruction": "", "input": "", "output": ""}), Format::Alpaca),
            (json!({"instruction_zh": "", "input_zh": "", "output_zh": "", "output": ""}), Format::AlpacaZh),
            (json!({"system_prompt": "", "question": "", "response": ""}), Format::OpenOrca),
            (json!({"question": "", "response": "", "system_prompt": null}), Format::StackExchange),
            (json!({"description": "", "color": ""}), Format::Colors),
            (json!({"abstract": "", "title": ""}), Format::Arxiv),
            (json!({"input": "", "output": ""}), Format::Default),
        ] {
            assert_eq!(detect(&row), Ok(format), "{row}");
        }
    }

    #[test]
    fn other_keys_are_refused_with_what_can_be_named() {
        for (row, found, expected) in [
            (json!({"question": "", "answer": ""}), "`question`, `answer`", "law_reference, sql"),
            (json!({"prompt": "", "completion": ""}), "the keys `prompt`, `completion`", "code_alpaca"),
            (json!({"prompt": "", "response": ""}), "the keys", "tiny_codes"),
            (json!({"prompt": "", "chosen": "", "rejected": ""}), "the keys", "kind = \"preference\""),
            (json!({"question_text": ""}), "the keys `question_text`", "list-dataset-format"),
            (json!({}), "an object without keys", "list-dataset-format"),
            (json!("x"), "a string", "a list of messages"),
        ] {
            let problem = detect(&row).expect_err("refused");
            assert!(problem.0.contains(found) && problem.1.contains(expected), "{row}: {problem:?}");
        }
    }
}
