//! Requests and answers: plain data that can be hashed, stored and compared.
//!
//! Messages and calls are those of [`internlm_model::chat::openai`]. Their JSON is part of the keys of stored answers.

use internlm_kit::hash::sha256;
use internlm_model::chat::openai::{ChatMessage, FunctionCall, MessageRole};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One request to a model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Request {
    /// Continue a text, without any chat format.
    Complete {
        /// The text to continue.
        prompt: String,
        /// Settings of the generation.
        sampling: Sampling,
    },
    /// Answer a conversation in the model's chat format.
    Chat {
        /// The conversation so far.
        messages: Vec<ChatMessage>,
        /// Tools on offer, each `{name, description, parameters}`.
        tools: Vec<Value>,
        /// Settings of the generation.
        sampling: Sampling,
    },
    /// Return the log-probabilities of a text.
    Score {
        /// The text to score.
        text: ScoredText,
    },
}

/// The settings of a generation.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Sampling {
    /// Maximum number of tokens. Default: the model's own limit.
    pub max_tokens: Option<u32>,
    /// Sampling temperature. 0 means greedy decoding.
    pub temperature: f32,
    /// Strings that end the answer.
    pub stop: Vec<String>,
    /// Seed of the run.
    pub seed: u64,
}

/// A text to score, written as text or as ids of the model's own tokenizer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ScoredText {
    /// Text. The model adds `<s>` if it wants one.
    Text(String),
    /// Ids that are taken as they are, so they begin with `<s>`.
    Ids(Vec<u32>),
}

/// What a model returned for one request, as the item store keeps it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// A text with tool calls.
    Reply {
        /// Text without the marks of calls.
        text: String,
        /// Tool calls in their order, as the server parsed them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<FunctionCall>,
        /// Whether the maximum number of tokens ended the text, so that its end is missing.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// The summed log-probabilities of a prompt.
    Scored {
        /// Number of all tokens, including the first, which has no log-probability.
        tokens: usize,
        /// Sum of the natural logarithms of the other tokens' probabilities.
        log_prob: f64,
        /// Bytes of the text that the sum leaves out: those of a first token that is text and not `<s>`.
        #[serde(default)]
        unscored_bytes: usize,
    },
}

impl Answer {
    /// Creates an answer that is only text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Reply { text: text.into(), calls: Vec::new(), cut: false }
    }
}

impl Request {
    /// Returns the key under which the answer of the model `identity` is stored.
    #[must_use]
    pub fn key(&self, identity: &str) -> String {
        let text = serde_json::to_string(&(identity, self)).expect("requests are plain data");
        sha256(text.as_bytes())
    }

    /// Returns the prompt in the form of prediction files.
    #[must_use]
    pub fn shown(&self) -> Value {
        match self {
            Self::Complete { prompt, .. } => Value::from(prompt.as_str()),
            Self::Chat { messages, .. } => messages
                .iter()
                .map(|message| {
                    let role = match message.role {
                        MessageRole::System | MessageRole::Developer => "SYSTEM",
                        MessageRole::User => "HUMAN",
                        MessageRole::Assistant => "BOT",
                        // Results of tools, under each of their names.
                        _ => "TOOL",
                    };
                    serde_json::json!({ "role": role, "prompt": message.text() })
                })
                .collect(),
            Self::Score { text: ScoredText::Text(text) } => Value::from(text.as_str()),
            Self::Score { text: ScoredText::Ids(ids) } => serde_json::json!({ "ids": ids.len() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_of_messages_and_calls_stays_the_same() {
        let messages = vec![ChatMessage::system("a"), ChatMessage::user("b"), ChatMessage::assistant("")];
        let request = Request::Chat { messages, tools: Vec::new(), sampling: Sampling::default() };
        let expected = concat!(
            r#"{"kind":"chat","messages":[{"role":"system","content":"a"},{"role":"user","content":"b"},"#,
            r#"{"role":"assistant","content":""}],"tools":[],"#,
            r#""sampling":{"max_tokens":null,"temperature":0.0,"stop":[],"seed":0}}"#,
        );
        assert_eq!(serde_json::to_string(&request).expect("plain data"), expected);
        let call = FunctionCall { name: "A".to_owned(), arguments: "{\"x\": 1}".to_owned() };
        let answer = Answer::Reply { text: "t".to_owned(), calls: vec![call], cut: false };
        let expected = r#"{"kind":"reply","text":"t","calls":[{"name":"A","arguments":"{\"x\": 1}"}]}"#;
        assert_eq!(serde_json::to_string(&answer).expect("plain data"), expected);
    }
}
