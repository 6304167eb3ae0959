//! Results of MCP tools as results of actions: texts stay texts, everything else becomes a file.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use internlm_kit::file::{self, FileError};
use internlm_kit::hash;
use internlm_model::chat::{Message, Role};
use rmcp::model::{CallToolResult, ContentBlock, PromptMessage, ResourceContents};
use serde_json::Value;

use crate::action::{ActionReturn, ActionState, ResultItem};

/// Number of hexadecimal digits of a hash in a file name.
const NAME_LENGTH: usize = 16;
/// Types of content and the endings of their files. The first one of a type is used.
const EXTENSIONS: [(&str, &str); 16] = [
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/svg+xml", "svg"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/flac", "flac"),
    ("application/pdf", "pdf"),
    ("application/json", "json"),
    ("application/zip", "zip"),
    ("text/plain", "txt"),
    ("text/html", "html"),
    ("text/csv", "csv"),
];

/// The files of one session.
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn of(folder: &Path, session: &str) -> Self {
        let below = if session.is_empty() { String::new() } else { short_hash(session) };
        Self { folder: folder.join(below) }
    }

    /// The result of a call. `call` is the name of the tool and its arguments.
    pub(super) fn action_return(
        &self,
        call: (String, Value),
        result: CallToolResult,
    ) -> Result<ActionReturn, FileError> {
        let mut items = result.content.iter().map(|block| self.item(block)).collect::<Result<Vec<_>, _>>()?;
        if let (true, Some(value)) = (items.is_empty(), &result.structured_content) {
            items.push(ResultItem::text(value.to_string()));
        }
        let (kind, args) = call;
        let value = ActionReturn::success(kind, args, items);
        if result.is_error != Some(true) {
            return Ok(value);
        }
        let message = match value.for_model() {
            text if text.is_empty() => "the tool failed without a message".to_owned(),
            text => text,
        };
        Ok(ActionReturn::error(value.kind, value.args, ActionState::ApiError, message))
    }

    /// One part of a result.
    fn item(&self, block: &ContentBlock) -> Result<ResultItem, FileError> {
        Ok(match block {
            ContentBlock::Text(text) => ResultItem::text(&text.text),
            ContentBlock::Image(image) => self.save("image", &image.mime_type, &image.data)?,
            ContentBlock::Audio(audio) => self.save("audio", &audio.mime_type, &audio.data)?,
            ContentBlock::Resource(embedded) => match &embedded.resource {
                ResourceContents::TextResourceContents { text, .. } => ResultItem::text(text),
                ResourceContents::BlobResourceContents { blob, mime_type, .. } => {
                    self.save("file", mime_type.as_deref().unwrap_or_default(), blob)?
                }
                _ => unknown(),
            },
            ContentBlock::ResourceLink(link) => {
                ResultItem { kind: "resource".to_owned(), content: link.uri.clone() }
            }
            _ => unknown(),
        })
    }

    /// A message of a prompt. What is not text is named as in results.
    pub(super) fn message(&self, message: PromptMessage) -> Result<Message, FileError> {
        let role = match message.role {
            rmcp::model::Role::User => Role::User,
            rmcp::model::Role::Assistant => Role::Assistant,
        };
        let part = ActionReturn::success("", Value::Null, vec![self.item(&message.content)?]);
        Ok(Message::new(role, part.for_model()))
    }

    /// Writes content to a file that is named by its hash: the same content is the same file.
    fn save(&self, kind: &str, media_type: &str, base64: &str) -> Result<ResultItem, FileError> {
        let Ok(bytes) = STANDARD.decode(base64.trim()) else {
            return Ok(ResultItem::text(format!(
                "[{kind}: found no base64, expected content of type {media_type}]"
            )));
        };
        let path = self.folder.join(format!("mcp-{}.{}", short_hash(&bytes), extension(media_type)));
        file::write(&path, &bytes)?;
        Ok(ResultItem::file(kind, path))
    }
}

/// A part of a kind that a later version of the protocol has added.
fn unknown() -> ResultItem {
    ResultItem::text("[content of a kind that is not supported]")
}

fn short_hash(bytes: impl AsRef<[u8]>) -> String {
    let mut hash = hash::sha256(bytes);
    hash.truncate(NAME_LENGTH);
    hash
}

/// The ending of a file with this type of content. Parameters of the type are ignored.
fn extension(media_type: &str) -> &'static str {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    EXTENSIONS.iter().find(|(known, _)| *known == essence).map_or("bin", |(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn returned(folder: &Path, result: Value) -> ActionReturn {
        let result = serde_json::from_value(result).expect("a result");
        Files::of(folder, "").action_return(("s.t".to_owned(), json!({})), result).expect("writes")
    }

    #[test]
    fn texts_stay_and_images_become_files() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let value = returned(
            folder.path(),
            json!({"content": [
                {"type": "text", "text": "two parts", "future": 1},
                {"type": "image", "data": "YWI=", "mimeType": "image/png"},
                {"type": "resource_link", "uri": "file:///a", "name": "a"},
                {"type": "resource", "resource": {"uri": "x:/b", "text": "inside"}},
            ]}),
        );
        assert_eq!(value.state, ActionState::Success);
        let image = &value.result[1];
        assert!(image.kind == "image" && image.content.ends_with(".png"), "{image:?}");
        assert_eq!(std::fs::read(&image.content).expect("reads"), b"ab");
        assert!(value.for_model().ends_with("[resource](file:///a)\ninside"), "{}", value.for_model());
    }

    #[test]
    fn errors_are_results_of_a_failed_tool() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let value =
            returned(folder.path(), json!({"content": [{"type": "text", "text": "no"}], "isError": true}));
        assert_eq!((value.state, value.for_model().as_str()), (ActionState::ApiError, "no"));
        let value = returned(folder.path(), json!({"content": [], "isError": true}));
        assert_eq!(value.for_model(), "the tool failed without a message");
        let value = returned(folder.path(), json!({"structuredContent": {"a": 1}}));
        assert_eq!(value.for_model(), "{\"a\":1}");
    }

    #[test]
    fn types_have_endings() {
        assert_eq!([extension("Text/HTML; charset=utf-8"), extension("x/y")], ["html", "bin"]);
    }
}
