//! [`RowFields`]: typed access to the columns of a row; and [`Parsed`]: what becomes of a row.

use internlm_model::chat::json_kind;
use serde_json::{Map, Value};

use super::name::Format;
use super::value::Problem;
use crate::dataset::openai::ChatRow;
use crate::dataset::{Document, MarkedPart, Sample};

/// What became of a row.
#[derive(Debug)]
pub(super) enum Parsed {
    /// Messages, which still have to fit together.
    Chat(ChatRow),
    /// Text without a template.
    Text(String),
    /// Text whose marks are its own.
    Marked(Vec<MarkedPart>),
    /// Ids that were made elsewhere.
    Tokens(Sample),
    /// A row that the format leaves out, and why.
    Left(&'static str),
}

impl Parsed {
    /// The document, or why the row is left out.
    ///
    /// # Errors
    /// Messages that do not fit together.
    pub(super) fn into_document(self) -> Result<Result<Document, &'static str>, Problem> {
        Ok(match self {
            Self::Chat(row) => Ok(Document::Chat(row.into_conversation()?)),
            Self::Text(text) => Ok(Document::Text(text)),
            Self::Marked(parts) => Ok(Document::Marked(parts)),
            Self::Tokens(sample) => Ok(Document::Tokens(sample)),
            Self::Left(reason) => Err(reason),
        })
    }
}

/// The columns of a row; what nobody takes stays behind.
#[derive(Debug)]
pub(super) struct RowFields {
    fields: Map<String, Value>,
    format: Format,
}

impl RowFields {
    /// The columns of `row`.
    ///
    /// # Errors
    /// A row that is not an object.
    pub(super) fn new(row: Value, format: Format) -> Result<Self, Problem> {
        match row {
            Value::Object(fields) => Ok(Self { fields, format }),
            other => Err((json_kind(&other).to_owned(), format!("an object {}", format.shape()))),
        }
    }

    /// Whether the row says something under `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.get(key).is_some_and(|value| !value.is_null())
    }

    /// Takes a value; null is absent.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.fields.shift_remove(key).filter(|value| !value.is_null())
    }

    /// Takes a text, which may be absent.
    ///
    /// # Errors
    /// A value that is not text.
    pub(super) fn optional(&mut self, key: &str) -> Result<Option<String>, Problem> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err((format!("{key}: {}", json_kind(&other)), "a string".to_owned())),
        }
    }

    /// Takes a text that has to be there.
    ///
    /// # Errors
    /// A value that is absent or not text.
    pub(super) fn text(&mut self, key: &str) -> Result<String, Problem> {
        self.optional(key)?.ok_or_else(|| self.missing(key))
    }

    /// Takes a list that has to be there.
    ///
    /// # Errors
    /// A value that is absent or not a list.
    pub(super) fn list(&mut self, key: &str) -> Result<Vec<Value>, Problem> {
        match self.take(key) {
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err((format!("{key}: {}", json_kind(&other)), "a list".to_owned())),
            None => Err(self.missing(key)),
        }
    }

    /// The problem of a column that is not there.
    pub(super) fn missing(&self, key: &str) -> Problem {
        (format!("missing field `{key}`"), format!("an object {}", self.format.shape()))
    }

    /// The columns that nobody took.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.fields
    }
}
