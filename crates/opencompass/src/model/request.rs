//! Requests and answers: plain data that can be hashed, stored and compared.
//!
//! Messages and calls are those of [`internlm_model::chat::openai`]. Their JSON is part of the keys of stored answers.

use std::collections::BTreeMap;

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
    /// Return the summed log-probabilities of a text.
    Score {
        /// The text to score.
        text: ScoredText,
        /// Number of first tokens that are only context: their log-probabilities are left out of the sum. Only with
        /// ids. 0 and 1 are the same, since the first token has none.
        #[serde(default, skip_serializing_if = "is_zero")]
        from: usize,
    },
    /// Return the log-probability of every token of a text.
    Tokens {
        /// The text to score.
        text: ScoredText,
    },
    /// Return the log-probabilities of choices as the next token.
    Choices {
        /// The text before the choice.
        prompt: ScoredText,
        /// The choices, of which the first token counts.
        choices: Vec<String>,
    },
    /// Return one sentence vector per text.
    Embed {
        /// The texts, one vector for each.
        texts: Vec<String>,
    },
    /// Run a program in the sandbox.
    Run {
        /// The program with its limits.
        program: Program,
    },
    /// Let an agent with tools work on a question.
    Agent {
        /// The agent and its tools, as the `[agent]` table of lagent's agent files.
        agent: Value,
        /// Questions and answers so far, the question last.
        messages: Vec<ChatMessage>,
        /// Settings of the generation.
        sampling: Sampling,
    },
}

/// A program for the sandbox. No setting can weaken the sandbox itself.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Program {
    /// Program and arguments, such as `["python3", "main.py"]`.
    pub command: Vec<String>,
    /// Files in the work folder: name -> text.
    pub files: BTreeMap<String, String>,
    /// Text for its standard input.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stdin: String,
    /// Wall clock in milliseconds.
    pub milliseconds: u64,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// By itself, with this exit code.
    Exit(i32),
    /// By the wall clock or the processor time.
    Timeout,
    /// By a signal or another limit of the sandbox.
    Killed,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(number: &usize) -> bool {
    *number == 0
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
    /// The log-probabilities of all tokens of a text.
    Tokens {
        /// Natural logarithms of the probabilities; the first is absent unless the model knows it.
        log_probs: Vec<Option<f64>>,
        /// Text of each token, as the server writes it.
        texts: Vec<String>,
    },
    /// The log-probabilities of choices, in their order.
    Choices {
        /// Natural logarithms of the probabilities.
        log_probs: Vec<f64>,
    },
    /// Sentence vectors, one per text.
    Vectors {
        /// The vectors, all of one length.
        vectors: Vec<Vec<f32>>,
    },
    /// What a program did.
    Ran {
        /// How the program came to its end.
        ending: Ending,
        /// Its standard output, cut at the sandbox's limit.
        stdout: String,
        /// Its standard error, cut at the sandbox's limit.
        stderr: String,
    },
    /// What an agent did.
    Agent {
        /// The text of its final answer.
        text: String,
        /// Its steps, in lagent's form of a transcript.
        steps: Vec<Value>,
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
            Self::Chat { messages, .. } | Self::Agent { messages, .. } => messages
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
            Self::Score { text, .. } | Self::Tokens { text } | Self::Choices { prompt: text, .. } => {
                match text {
                    ScoredText::Text(text) => Value::from(text.as_str()),
                    ScoredText::Ids(ids) => serde_json::json!({ "ids": ids.len() }),
                }
            }
            Self::Embed { texts } => Value::from(texts.clone()),
            Self::Run { program } => serde_json::json!(program.files),
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
