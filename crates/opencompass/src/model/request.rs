//! Requests and answers: plain data that can be hashed, stored and compared.

use internlm_kit::hash::sha256;
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
        messages: Vec<Message>,
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

/// One message of a conversation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Message {
    /// The author of the message.
    pub role: MessageRole,
    /// Text of the message.
    pub content: String,
}

/// The author of a message.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageRole {
    /// The operator, who gives instructions.
    System,
    /// The user, who asks.
    User,
    /// The model, which answers.
    Assistant,
}

/// The answer of a model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// A text with tool calls.
    Reply {
        /// Text without the marks of calls.
        text: String,
        /// Tool calls in their order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<Call>,
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

/// A tool call of an answer, as the server parsed it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Call {
    /// Name of the tool.
    pub name: String,
    /// Arguments as the model wrote them, which should be a JSON object.
    pub arguments: String,
}

impl Answer {
    /// Creates an answer that is only text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Reply { text: text.into(), calls: Vec::new() }
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
