//! Chunks of a streamed chat answer.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::field::text_or_null;
use super::{ChatLogprobs, FinishReason, MessageRole, StopReason, Timings, ToolCallDelta, Usage};

/// One `data:` line of a streamed chat answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatChunk {
    /// Name of the answer, the same in all of its chunks.
    #[serde(default, deserialize_with = "text_or_null")]
    pub id: String,
    /// Kind of the body: always `chat.completion.chunk`.
    #[serde(default, deserialize_with = "text_or_null")]
    pub object: String,
    /// When the answer was begun, in Unix seconds.
    #[serde(default)]
    pub created: u64,
    /// Name of the model that answers.
    #[serde(default, deserialize_with = "text_or_null")]
    pub model: String,
    /// Version of the software that answered, so that clients notice a change of what equal seeds give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// The next pieces; empty in the usage chunk.
    #[serde(default)]
    pub choices: Vec<ChatChunkChoice>,
    /// Present only when the request asked for it: in the last chunk, or so far in all of them.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// How long prompt and answer took, when the request asked for it with `timings_per_token`: in the last chunk of each choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<Timings>,
    /// The ids of the prompt, in the first chunk of a choice, when the request asked for them with `return_token_ids`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_token_ids: Option<Vec<u32>>,
    /// The prompt as text, in the first chunk of a choice, when the request asked for it with `return_prompt_text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_text: Option<String>,
}

/// The next piece of one choice.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatChunkChoice {
    /// Place in the list of choices, from 0.
    #[serde(default)]
    pub index: usize,
    /// The new part of the message.
    #[serde(default)]
    pub delta: ChatDelta,
    /// Log-probabilities of the ids whose text is new in this chunk.
    #[serde(default)]
    pub logprobs: Option<ChatLogprobs>,
    /// Set in the last chunk of the choice.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
    /// The stop string or the id of `stop_token_ids` that ended the text, in the last chunk of the choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason>,
    /// The ids that are new in this chunk, when the request asked for them with `return_token_ids`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_ids: Option<Vec<u32>>,
    /// The same ids under the name that vLLM has for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_ids: Option<Vec<u32>>,
    /// Log-probability and number of each new id, when the request asked for them with `return_logprob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_token_logprobs: Option<Vec<(f32, u32)>>,
}

/// A piece of a message.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ChatDelta {
    /// Author of the message. Other servers send it in the first chunk only.
    #[serde(default, deserialize_with = "role", skip_serializing_if = "Option::is_none")]
    pub role: Option<MessageRole>,
    /// The next characters of the text; empty in the last chunk of a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The next characters of what the model thinks before it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The next pieces of tool calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCallDelta>>,
}

/// Reads a role. Other servers write an empty string behind the first chunk, or a name of their own: the author of an
/// answer is known without it.
fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MessageRole>, D::Error> {
    let found = Option::<Value>::deserialize(deserializer)?;
    Ok(found.and_then(|role| serde_json::from_value(role).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_of_other_servers_are_read() {
        for (role, expected) in [
            ("\"assistant\"", Some(MessageRole::Assistant)),
            ("\"\"", None),
            ("null", None),
            ("\"model\"", None),
        ] {
            let text = format!(
                "{{\"id\": null, \"model\": null, \"choices\": [{{\"delta\": {{\"role\": {role}, \"content\": \"a\"}}}}]}}"
            );
            let chunk: ChatChunk = serde_json::from_str(&text).expect("a chunk");
            assert_eq!((chunk.id.as_str(), chunk.choices[0].delta.role), ("", expected));
            assert_eq!(chunk.choices[0].delta.content.as_deref(), Some("a"));
        }
    }

    #[test]
    fn a_text_ends_by_a_string_or_an_id() {
        for (json, expected) in [
            ("\"\\nUser\"", Some(StopReason::Text("\nUser".to_owned()))),
            ("7", Some(StopReason::Id(7))),
            ("null", None),
        ] {
            let choice: ChatChunkChoice =
                serde_json::from_str(&format!("{{\"stop_reason\": {json}}}")).expect("a choice");
            assert_eq!(choice.stop_reason, expected);
        }
    }
}
