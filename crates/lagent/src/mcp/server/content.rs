//! Results of actions as results of MCP tools: files are sent along, since a client cannot read our folder.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{CallToolResult, ContentBlock, Resource, ResourceContents};

use crate::action::{ActionReturn, ActionState, ResultItem};

/// Maximum size of a file that is sent along, bytes.
const LIMIT: u64 = 8 << 20;
/// Endings of files and the types of their content.
const TYPES: [(&str, &str); 15] = [
    ("csv", "text/csv"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("webp", "image/webp"),
];

/// The result of a call. Reads the files that it names, so it may block.
pub(super) fn tool_result(value: &ActionReturn) -> CallToolResult {
    if value.state != ActionState::Success || value.errmsg.is_some() {
        return CallToolResult::error(vec![ContentBlock::text(value.for_model())]);
    }
    CallToolResult::success(value.result.iter().map(block).collect())
}

fn block(item: &ResultItem) -> ContentBlock {
    if item.kind == "text" {
        return ContentBlock::text(item.content.as_str());
    }
    if item.content.contains("://") {
        return ContentBlock::resource_link(Resource::new(item.content.as_str(), item.kind.as_str()));
    }
    let path = Path::new(&item.content);
    let Some(bytes) = small_file(path) else {
        // As the model of an agent would read it.
        return ContentBlock::text(format!("[{}]({})", item.kind, item.content));
    };
    let (data, media_type) = (STANDARD.encode(bytes), media_type(path));
    match item.kind.as_str() {
        "image" => ContentBlock::image(data, media_type),
        "audio" => ContentBlock::audio(data, media_type),
        _ => {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
            ContentBlock::resource(
                ResourceContents::blob(data, format!("lagent:///{name}")).with_mime_type(media_type),
            )
        }
    }
}

/// The content of a regular file that is not too large.
fn small_file(path: &Path) -> Option<Vec<u8>> {
    let metadata = fs::metadata(path).ok()?;
    if metadata.is_file() && metadata.len() <= LIMIT { fs::read(path).ok() } else { None }
}

fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    TYPES
        .iter()
        .find(|(known, _)| *known == ending)
        .map_or("application/octet-stream", |(_, media_type)| media_type)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sent(items: Vec<ResultItem>) -> Value {
        let value = ActionReturn::success("T", Value::Null, items);
        serde_json::to_value(tool_result(&value)).expect("serializes")["content"].take()
    }

    #[test]
    fn files_are_sent_along() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.PNG");
        fs::write(&path, "ab").expect("writes");
        let image = json!([{"type": "image", "data": "YWI=", "mimeType": "image/png"}]);
        assert_eq!(sent(vec![ResultItem::file("image", &path)]), image);
        let file = sent(vec![ResultItem::file("file", &path)]);
        assert_eq!(
            (&file[0]["resource"]["uri"], &file[0]["resource"]["blob"]),
            (&json!("lagent:///a.PNG"), &json!("YWI="))
        );
        let link = sent(vec![ResultItem::file("image", "https://host/a.png")]);
        assert_eq!(
            (&link[0]["type"], &link[0]["uri"]),
            (&json!("resource_link"), &json!("https://host/a.png"))
        );
        let gone = sent(vec![ResultItem::text("see"), ResultItem::file("image", "gone.png")]);
        assert_eq!((&gone[0]["text"], &gone[1]["text"]), (&json!("see"), &json!("[image](gone.png)")));
    }

    #[test]
    fn failures_are_marked() {
        let value = ActionReturn::error("T", Value::Null, ActionState::ArgsError, "no such thing");
        let sent = serde_json::to_value(tool_result(&value)).expect("serializes");
        assert_eq!((&sent["isError"], &sent["content"][0]["text"]), (&json!(true), &json!("no such thing")));
    }
}
