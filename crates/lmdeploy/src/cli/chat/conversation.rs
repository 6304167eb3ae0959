//! [`Conversation`]: the messages so far, and the files that keep them.

use std::path::Path;

use internlm_kit::file;
use internlm_kit::json::reason;

use crate::protocol::{ChatMessage, MessageRole};
use crate::{Error, Result};

/// The messages so far, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversation {
    messages: Vec<ChatMessage>,
}

impl Conversation {
    /// A conversation that begins with a system message, if there is one.
    pub(super) fn new(system: Option<&str>) -> Self {
        Self { messages: system.map(ChatMessage::system).into_iter().collect() }
    }

    pub(super) fn messages(&self) -> &[ChatMessage] {
        &self.messages
    }

    /// Adds a question and its answer.
    pub(super) fn push_turn(&mut self, question: ChatMessage, answer: ChatMessage) {
        self.messages.extend([question, answer]);
    }

    /// Drops all messages but the system message.
    pub(super) fn forget(&mut self) {
        let kept = self.instructions();
        self.messages.truncate(kept);
    }

    /// Replaces the system message, or removes it.
    pub(super) fn set_system(&mut self, system: Option<String>) {
        let replaced = self.instructions();
        drop(self.messages.splice(..replaced, system.map(ChatMessage::system)));
    }

    /// Writes the messages as JSON, as OpenAI's API has them. Only a file of this kind is replaced.
    pub(super) fn save(&self, path: &Path) -> Result<()> {
        let holds_something = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0);
        if holds_something && read(path).is_err() {
            let message = "found a file that is not a conversation, which is not replaced".to_owned();
            return Err(Error::Content { path: path.to_owned(), message });
        }
        let text = serde_json::to_string_pretty(&self.messages).expect("messages have string keys only");
        Ok(file::write(path, format!("{text}\n"))?)
    }

    /// Continues the conversation of a file instead of this one.
    pub(super) fn load(&mut self, path: &Path) -> Result<()> {
        self.messages = read(path)?;
        Ok(())
    }

    /// Number of messages at the beginning that instruct the model: one or none.
    fn instructions(&self) -> usize {
        let first = self.messages.first().map(|message| message.role);
        usize::from(matches!(first, Some(MessageRole::System | MessageRole::Developer)))
    }
}

/// The messages of a file. Errors name the place: the number of the message from 0 and the field, line and column.
fn read(path: &Path) -> Result<Vec<ChatMessage>> {
    let text = file::read_to_string(path)?;
    let wrong = |message: String| Error::Content { path: path.to_owned(), message };
    let mut reader = serde_json::Deserializer::from_str(&text);
    let messages = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let place = match error.path().to_string() {
            place if place == "." => String::new(),
            place => format!("{place}: "),
        };
        wrong(format!("{place}{}", reason(error.inner())))
    })?;
    reader.end().map_err(|error| wrong(reason(&error)))?;
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use internlm_kit::exit::BadInput;

    use super::*;

    fn texts(conversation: &Conversation) -> Vec<String> {
        conversation.messages().iter().map(ChatMessage::text).collect()
    }

    fn turn(conversation: &mut Conversation) {
        conversation.push_turn(ChatMessage::user("question"), ChatMessage::assistant("answer"));
    }

    #[test]
    fn the_system_message_is_kept_replaced_and_removed() {
        let mut conversation = Conversation::new(Some("first"));
        turn(&mut conversation);
        conversation.set_system(Some("second".to_owned()));
        assert_eq!(texts(&conversation), ["second", "question", "answer"]);
        conversation.forget();
        assert_eq!(texts(&conversation), ["second"]);
        turn(&mut conversation);
        conversation.set_system(None);
        assert_eq!(texts(&conversation), ["question", "answer"]);
        conversation.forget();
        conversation.set_system(Some("third".to_owned()));
        assert_eq!(texts(&conversation), ["third"]);
    }

    #[test]
    fn a_saved_conversation_is_loaded_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chats/first.json");
        let mut conversation = Conversation::new(Some("system"));
        turn(&mut conversation);
        conversation.save(&path).expect("saves");
        let text = std::fs::read_to_string(&path).expect("reads");
        let written: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(written[1], serde_json::json!({"role": "user", "content": "question"}));
        let mut other = Conversation::new(None);
        other.load(&path).expect("loads");
        assert_eq!(texts(&other), texts(&conversation));
        other.forget();
        other.save(&path).expect("replaces a conversation");
        conversation.load(&path).expect("loads");
        assert_eq!(texts(&conversation), ["system"]);
    }

    #[test]
    fn other_files_are_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "dear diary").expect("writes");
        let error = Conversation::new(None).save(&path).expect_err("not a conversation");
        assert!(error.is_bad_input() && error.to_string().contains("notes.txt: found a file"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), "dear diary");
        std::fs::write(&path, "").expect("writes");
        Conversation::new(None).save(&path).expect("an empty file may be filled");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_named_with_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chat.json");
        let mut conversation = Conversation::new(Some("kept"));
        for (text, parts) in [
            ("{}", &["chat.json: found a JSON object, expected a list", "line 1"][..]),
            ("[{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"king\"}]", &["[1]", "king"]),
            ("[\n{\"role\": \"user\"", &["chat.json", "line 2"]),
            ("[] []", &["chat.json", "line 1 column 4"]),
        ] {
            std::fs::write(&path, text).expect("writes");
            let error = conversation.load(&path).expect_err(text);
            let message = error.to_string();
            assert!(error.is_bad_input() && parts.iter().all(|part| message.contains(part)), "{message}");
        }
        let absent = conversation.load(&folder.path().join("absent.json")).expect_err("no such file");
        assert!(absent.is_bad_input() && absent.to_string().contains("absent.json: cannot read"), "{absent}");
        assert_eq!(texts(&conversation), ["kept"], "a file that cannot be read changes nothing");
    }
}
