//! JSON inputs of the verbs.

use std::path::Path;

use internlm_kit::json::reason;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::chat::Message;
use crate::chat::openai::{ChatMessage, read_messages};

/// Reads a JSON file; what is wrong with it is reported with its path, line and column. `expected` says what the file
/// should hold.
pub(super) fn read<T: DeserializeOwned>(path: &Path, expected: &'static str) -> Result<T, Error> {
    let bytes = internlm_kit::file::read(path)?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Json {
        path: path.to_path_buf(),
        expected,
        message: reason(&error),
    })
}

/// Reads a conversation as a server reads the messages of a request, so that the model sees the same ids.
pub(super) fn read_chat(path: &Path) -> Result<Vec<Message>, Error> {
    let expected = "a JSON list of messages";
    let messages: Vec<ChatMessage> = read(path, expected)?;
    read_messages(&messages).map_err(|problem| Error::Json {
        path: path.to_path_buf(),
        expected,
        message: problem.to_string(),
    })
}
