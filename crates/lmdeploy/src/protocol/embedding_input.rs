//! [`EmbeddingInput`]: the texts of a request for vectors, in the forms of OpenAI's API and of the llama.cpp server.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::Prompt;
use super::whole::whole;

/// The texts of a request for vectors.
///
/// ```
/// use lmdeploy::protocol::{EmbeddedText, EmbeddingInput};
/// let several: EmbeddingInput = serde_json::from_str(r#"["a", [1, 2], [1, "b"]]"#)?;
/// let EmbeddingInput::List(texts) = several else { panic!("a list") };
/// assert_eq!(texts[0], EmbeddedText::Text("a".to_owned()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(
    untagged,
    expecting = "expected a string, a list of strings, a list of token ids or a list of lists of token ids"
)]
pub enum EmbeddingInput {
    /// One text as a string.
    Text(String),
    /// One text as an object.
    Object(TextObject),
    /// Several texts; or one text in pieces, when one of the entries is an id.
    List(Vec<EmbeddedText>),
}

/// One entry of a list of texts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EmbeddedText {
    /// An id, which makes the whole list one text.
    Id(#[serde(deserialize_with = "id")] u32),
    /// A text as a string.
    Text(String),
    /// A text as ids, among which there may be strings.
    Pieces(Vec<TextPiece>),
    /// A text as an object.
    Object(TextObject),
}

/// A piece of a text that is not only a string.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TextPiece {
    /// An id, taken as it is.
    Id(#[serde(deserialize_with = "id")] u32),
    /// A string, whose ids take its place.
    Text(String),
}

/// A text as the llama.cpp server takes it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TextObject {
    /// A string in an object.
    Prompt {
        /// The whole text, in which marks are read as marks.
        prompt_string: String,
    },
    /// Parts that are joined.
    Content {
        /// The parts in order, without anything between them.
        content: Vec<TextPart>,
    },
}

/// A part of a text.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum TextPart {
    /// The only kind: a model of text has no vectors of images.
    Text {
        /// The text of the part.
        text: String,
    },
}

/// Reads a whole number, which must be there.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    whole(deserializer)?.ok_or_else(|| D::Error::custom("found null, expected a token id"))
}

impl TextObject {
    /// The text of the object, its parts joined.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Prompt { prompt_string } => prompt_string.clone(),
            Self::Content { content } => {
                content.iter().map(|TextPart::Text { text }| text.as_str()).collect()
            }
        }
    }
}

impl From<&str> for EmbeddingInput {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for EmbeddingInput {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u32>> for EmbeddingInput {
    fn from(ids: Vec<u32>) -> Self {
        Self::List(vec![pieces(ids)])
    }
}

impl From<Vec<String>> for EmbeddingInput {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts.into_iter().map(EmbeddedText::Text).collect())
    }
}

impl From<Vec<Vec<u32>>> for EmbeddingInput {
    fn from(texts: Vec<Vec<u32>>) -> Self {
        Self::List(texts.into_iter().map(pieces).collect())
    }
}

impl From<Prompt> for EmbeddingInput {
    fn from(prompt: Prompt) -> Self {
        match prompt {
            Prompt::Text(text) => text.into(),
            Prompt::Texts(texts) => texts.into(),
            Prompt::Ids(ids) => ids.into(),
            Prompt::IdLists(texts) => texts.into(),
        }
    }
}

fn pieces(ids: Vec<u32>) -> EmbeddedText {
    EmbeddedText::Pieces(ids.into_iter().map(TextPiece::Id).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(text: &str) -> EmbeddedText {
        EmbeddedText::Text(text.to_owned())
    }

    #[test]
    fn all_forms_are_read() {
        let mixed = vec![TextPiece::Id(1), TextPiece::Text("a".to_owned())];
        let parts = json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]});
        let object: TextObject = serde_json::from_value(parts.clone()).expect("parts");
        assert_eq!(object.text(), "ab");
        for (json, expected) in [
            (json!("a"), "a".into()),
            (json!(["a", "b"]), vec!["a".to_owned(), "b".to_owned()].into()),
            (json!([[1, 2.0], [3]]), vec![vec![1, 2], vec![3]].into()),
            (json!([1.0, "a"]), EmbeddingInput::List(vec![EmbeddedText::Id(1), text("a")])),
            (json!(["a", [1, "a"]]), EmbeddingInput::List(vec![text("a"), EmbeddedText::Pieces(mixed)])),
            (json!([]), EmbeddingInput::List(Vec::new())),
            (parts, EmbeddingInput::Object(object)),
        ] {
            let read: EmbeddingInput = serde_json::from_value(json.clone()).expect("a form");
            assert_eq!(read, expected, "{json}");
        }
        let named: TextObject = serde_json::from_value(json!({"prompt_string": "a"})).expect("a text");
        assert_eq!(named.text(), "a");
    }

    #[test]
    fn other_forms_are_refused() {
        for json in [
            json!(7),
            json!(null),
            json!([null]),
            json!([1.5]),
            json!([[1], [-1]]),
            json!({"content": "a"}),
            json!({"content": [{"type": "image_url", "image_url": {"url": "a"}}]}),
            json!({}),
        ] {
            let error = serde_json::from_value::<EmbeddingInput>(json.clone()).expect_err("refused");
            assert!(error.to_string().starts_with("expected a string, a list of strings"), "{json}: {error}");
        }
    }

    #[test]
    fn ids_are_written_as_a_list_of_lists() {
        let written = serde_json::to_value(EmbeddingInput::from(Prompt::Ids(vec![1, 2]))).expect("JSON");
        assert_eq!(written, json!([[1, 2]]), "one text in both forms");
    }
}
