//! Requests and answers: plain data that can be hashed, stored and compared.

use internlm_kit::atomic::sha256;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a model is asked once.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Request {
    /// Go on from a text.
    Complete {
        /// The text.
        prompt: String,
        /// How.
        sampling: Sampling,
    },
    /// Answer a conversation.
    Chat {
        /// The conversation.
        messages: Vec<Message>,
        /// Tools on offer: `{name, description, parameters}`.
        tools: Vec<Value>,
        /// How.
        sampling: Sampling,
    },
    /// Give log-probabilities of a text.
    Score {
        /// The text.
        text: ScoredText,
    },
}

/// How an answer is generated.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Sampling {
    /// Most tokens; none leaves it to the model.
    pub max_tokens: Option<u32>,
    /// 0 is greedy.
    pub temperature: f32,
    /// Strings that end the answer.
    pub stop: Vec<String>,
    /// Seed of the run.
    pub seed: u64,
}

/// A text to score: as text, or as the ids that the model's own tokenizer gives, `<s>` included.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ScoredText {
    /// Text; the model adds `<s>` if it wants one.
    Text(String),
    /// Ids, taken as they are.
    Ids(Vec<u32>),
}

/// One message.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Message {
    /// Who speaks.
    pub role: MessageRole,
    /// What.
    pub content: String,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageRole {
    /// Instructions.
    System,
    /// The question.
    User,
    /// The model.
    Assistant,
}

/// What a model answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// Text, and calls of tools.
    Reply {
        /// The text.
        text: String,
        /// The calls.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<Call>,
    },
    /// Log-probabilities of a prompt, summed.
    Scored {
        /// All tokens, the first included, which has no log-probability.
        tokens: usize,
        /// Sum of the others' natural logarithms.
        log_prob: f64,
        /// Bytes of the text that the sum leaves out: those of a first token that is text, not `<s>`.
        #[serde(default)]
        unscored_bytes: usize,
    },
}

/// A call of a tool.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Call {
    /// The tool.
    pub name: String,
    /// The arguments: a JSON object as text.
    pub arguments: String,
}

impl Request {
    /// The key under which an answer of the model `identity` is stored.
    #[must_use]
    pub fn key(&self, identity: &str) -> String {
        let text = serde_json::to_string(&(identity, self)).expect("requests are plain data");
        sha256(text.as_bytes())
    }

    /// The prompt for people and prediction files.
    #[must_use]
    pub fn shown(&self) -> Value {
        match self {
            Self::Complete { prompt, .. } => Value::from(prompt.as_str()),
            Self::Chat { messages, .. } => messages
                .iter()
                .map(|message| {
                    let role = match message.role {
                        MessageRole::System => "SYSTEM",
                        MessageRole::User => "HUMAN",
                        MessageRole::Assistant => "BOT",
                    };
                    serde_json::json!({ "role": role, "prompt": message.content })
                })
                .collect(),
            Self::Score { text: ScoredText::Text(text) } => Value::from(text.as_str()),
            Self::Score { text: ScoredText::Ids(ids) } => serde_json::json!({ "ids": ids.len() }),
        }
    }
}
