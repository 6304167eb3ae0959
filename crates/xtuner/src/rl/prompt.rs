//! [`Prompt`]: what a model is asked, and what a judge compares its answer with.
//!
//! One JSON object per line, one list of them, or a row of a Parquet table:
//!
//! | key | meaning |
//! |---|---|
//! | `prompt`, `messages` | a text or OpenAI messages; a last message of the assistant is the reference |
//! | `question`, `instruction` | the text of a user's message |
//! | `tools` | functions that the prompt offers, as in a request; a call is the answer, nobody runs it |
//! | `reference`, `answer`, `output` | what the judge compares with; GSM8K's `#### 18` included |
//! | `domain` | picks the system prompt of a conditional reward model |
//!
//! All other keys are kept: a user's command gets them with the answer.

use std::path::{Path, PathBuf};

use internlm_kit::hash;
use internlm_model::chat::openai::{ChatMessage, ToolDefinition, read_messages, read_tools};
use internlm_model::chat::{Message, Role, offer_tools};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::dataset::format::read_rows;
use crate::{Error, Result};

/// Keys of the reference, the first that is there counts.
const REFERENCES: [&str; 3] = ["reference", "answer", "output"];

/// One question with its reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The conversation up to the answer.
    pub messages: Vec<Message>,
    /// The right answer, for judges that compare.
    pub reference: Option<String>,
    /// The kind of question, for conditional reward models.
    pub domain: Option<String>,
    /// The whole line as it was read.
    pub fields: Map<String, Value>,
    /// File and line, for messages.
    pub place: (PathBuf, usize),
}

/// Texts and messages that a line may have.
#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    Text(String),
    Messages(Vec<ChatMessage>),
}

/// What a line lacks: (found, expected).
type Problem = (String, String);

impl Prompt {
    /// A prompt of one user's message.
    #[must_use]
    pub fn new(question: impl Into<String>) -> Self {
        Self {
            messages: vec![Message::user(question)],
            reference: None,
            domain: None,
            fields: Map::new(),
            place: (PathBuf::new(), 0),
        }
    }

    /// The same prompt with this right answer.
    #[must_use]
    pub fn with_reference(self, reference: impl Into<String>) -> Self {
        Self { reference: Some(reference.into()), ..self }
    }

    /// The same prompt as one of this kind.
    #[must_use]
    pub fn with_domain(self, domain: impl Into<String>) -> Self {
        Self { domain: Some(domain.into()), ..self }
    }

    /// Whether the prompt offers functions that the model can call.
    #[must_use]
    pub fn offers_tools(&self) -> bool {
        self.fields.get("tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty())
    }

    /// An error about this prompt.
    pub(crate) fn error(&self, found: &str, expected: &str) -> Error {
        let (path, line) = self.place.clone();
        Error::Line { path, line, found: found.to_owned(), expected: expected.to_owned() }
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let fields: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| (error.to_string(), "one JSON object with `prompt`".to_owned()))?;
        let (mut messages, mut reference) = asked(&fields)?;
        if let Some(tools) = fields.get("tools").filter(|tools| !tools.is_null()) {
            let tools: Vec<ToolDefinition> = read(tools, "tools", "a list of functions")?;
            let tools = read_tools(&tools)
                .map_err(|problem| (format!("{}: {}", problem.place, problem.found), problem.expected))?;
            offer_tools(&mut messages, &tools);
        }
        for key in REFERENCES {
            match fields.get(key) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => reference = Some(text.clone()),
                Some(number @ Value::Number(_)) => reference = Some(number.to_string()),
                Some(other) => return Err((format!("{key}: {other}"), "a text or a number".to_owned())),
            }
            break;
        }
        let domain = match fields.get("domain") {
            None | Some(Value::Null) => None,
            Some(Value::String(domain)) => Some(domain.clone()),
            Some(other) => return Err((format!("domain: {other}"), "a text".to_owned())),
        };
        Ok(Self { messages, reference, domain, fields, place: (PathBuf::new(), 0) })
    }
}

/// The conversation of a line, and the answer that it ends with.
fn asked(fields: &Map<String, Value>) -> Result<(Vec<Message>, Option<String>), Problem> {
    let keys = ["prompt", "messages", "question", "instruction"];
    let found = keys.into_iter().find_map(|key| Some((key, fields.get(key)?)));
    let Some((key, value)) = found else {
        return Err(("no prompt".to_owned(), format!("one of the keys {}", keys.join(", "))));
    };
    let mut messages = match read(value, key, "a text or a list of messages")? {
        Asked::Text(text) => vec![Message::user(text)],
        Asked::Messages(messages) => read_messages(&messages)
            .map_err(|problem| (format!("{}: {}", problem.place, problem.found), problem.expected))?,
    };
    let mut reference = None;
    if messages.last().is_some_and(|message| message.role == Role::Assistant) {
        reference = messages.pop().map(|message| message.text().to_owned());
    }
    match messages.last() {
        None => Err((format!("{key}: no message"), "at least one message to answer".to_owned())),
        Some(_) => Ok((messages, reference)),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value, key: &str, expected: &str) -> Result<T, Problem> {
    serde_json::from_value(value.clone()).map_err(|error| (format!("{key}: {error}"), expected.to_owned()))
}

/// Reads the prompts of all files and of those below folders, in order; with the feature `parquet`, of tables, too.
///
/// # Errors
/// Files that cannot be read, lines that are not prompts, and no prompt at all.
pub fn read_prompts<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Prompt>> {
    let mut prompts = Vec::new();
    for path in paths {
        prompts.extend(read_rows(path.as_ref(), "prompt", |file, row| {
            Ok(Prompt { place: (file.to_path_buf(), row.line), ..Prompt::parse(row.text)? })
        })?);
    }
    Ok(prompts)
}

/// Identity of prompts and references: a run resumes only with the same ones.
#[must_use]
pub fn prompts_fingerprint(prompts: &[Prompt]) -> String {
    let lines = prompts.iter().map(|prompt| Value::Object(prompt.fields.clone()).to_string() + "\n");
    hash::sha256(lines.collect::<String>())[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Prompt {
        Prompt::parse(text).unwrap_or_else(|(found, expected)| panic!("{found}, expected {expected}"))
    }

    #[test]
    fn every_form_of_a_prompt_is_read() {
        for text in [
            r#"{"prompt": "2+2?", "reference": "4"}"#,
            r#"{"question": "2+2?", "answer": 4}"#,
            r#"{"instruction": "2+2?", "output": "4"}"#,
            r#"{"prompt": [{"role": "user", "content": "2+2?"}], "answer": "4"}"#,
            r#"{"messages": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "4"}]}"#,
        ] {
            let prompt = parse(text);
            assert_eq!(prompt.messages, [Message::user("2+2?")], "{text}");
            assert_eq!(prompt.reference.as_deref(), Some("4"), "{text}");
        }
        let prompt = parse(r#"{"prompt": "Hi", "domain": "code", "level": 3}"#);
        assert_eq!((prompt.domain.as_deref(), prompt.reference), (Some("code"), None));
        assert_eq!(prompt.fields["level"], 3);
    }

    #[test]
    fn tools_are_offered_as_in_a_request() {
        let prompt = parse(
            r#"{"prompt": "2+2?", "tools": [{"type": "function", "function": {"name": "Calculator"}}]}"#,
        );
        assert_eq!(prompt.messages.len(), 2);
        assert!(prompt.messages[0].text().contains("Calculator"), "{:?}", prompt.messages);
    }

    #[test]
    fn what_is_not_a_prompt_is_refused() {
        for (text, expected) in [
            ("[]", "expected a map"),
            ("{}", "no prompt"),
            (r#"{"prompt": 3}"#, "prompt: "),
            (r#"{"messages": [{"role": "assistant", "content": "4"}]}"#, "messages: no message"),
            (r#"{"prompt": "a", "answer": [1]}"#, "answer: [1]"),
            (r#"{"prompt": "a", "domain": 1}"#, "domain: 1"),
        ] {
            let (found, _) = Prompt::parse(text).expect_err(text);
            assert!(found.contains(expected), "{text}: {found}");
        }
    }
}
