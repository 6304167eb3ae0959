//! The answer of a service as the result of a call.

use serde_json::Value;

use super::exchange::Incoming;
use super::media_type::{MediaKind, essence};
use super::shape::Shape;
use super::shorten::{beginning, fitting};
use crate::action::{Failure, Files, ResultItem};

/// Maximum length of an error of the service, characters.
const ERROR: usize = 1000;

/// An answer that was read.
#[derive(Debug)]
pub(super) enum Answer {
    Json(Value),
    Text(String),
    /// A file with its media type.
    File(String, Vec<u8>),
    /// A status without content.
    Empty(u16),
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// An error status, with the service's own words.
    pub(super) fn read(incoming: Incoming) -> Result<Self, Failure> {
        let Incoming { status, content_type, retry_after, bytes, .. } = incoming;
        if status >= 400 {
            let said = beginning(String::from_utf8_lossy(&bytes).trim(), ERROR);
            let wait = retry_after.map(|after| format!(" (retry after {after})")).unwrap_or_default();
            return Err(Failure::service(format!("found the status {status}{wait}: {said}")));
        }
        if bytes.is_empty() {
            return Ok(Self::Empty(status));
        }
        let kind = MediaKind::of(&content_type);
        if kind == MediaKind::Json
            && let Ok(value) = serde_json::from_slice(&bytes)
        {
            return Ok(Self::Json(value));
        }
        Ok(match String::from_utf8(bytes) {
            Ok(text) if kind != MediaKind::Binary || !text.contains('\0') => Self::Text(text),
            Ok(text) => Self::File(content_type, text.into_bytes()),
            Err(error) => Self::File(content_type, error.into_bytes()),
        })
    }

    /// The parts of the result. Large JSON first loses the fields that the description does not have.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn parts(
        self,
        shape: &Shape,
        limit: usize,
        files: &Files,
    ) -> Result<Vec<ResultItem>, Failure> {
        Ok(vec![match self {
            Self::Json(value) => ResultItem::text(json_text(value, shape, limit)),
            Self::Text(text) => ResultItem::text(beginning(&text, limit)),
            Self::Empty(status) => ResultItem::text(format!("done (status {status})")),
            Self::File(content_type, bytes) => {
                let essence = essence(&content_type);
                let path = files.save("download", extension(&essence), &bytes)?;
                let kind =
                    essence.split('/').next().filter(|kind| matches!(*kind, "image" | "audio" | "video"));
                ResultItem::file(kind.unwrap_or("file"), path)
            }
        }])
    }
}

fn json_text(value: Value, shape: &Shape, limit: usize) -> String {
    let whole = value.to_string();
    if whole.chars().count() <= limit {
        return whole;
    }
    let trimmed = shape.trim(value);
    let note = if trimmed.to_string().len() < whole.len() {
        "\n(without fields that are not described)"
    } else {
        ""
    };
    format!("{}{note}", fitting(&trimmed, limit))
}

fn extension(media_type: &str) -> &'static str {
    match media_type {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "audio/mpeg" => "mp3",
        "audio/wav" | "audio/x-wav" => "wav",
        "video/mp4" => "mp4",
        "application/pdf" => "pdf",
        "application/zip" => "zip",
        "application/gzip" => "gz",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn incoming(status: u16, content_type: &str, bytes: &[u8]) -> Incoming {
        let (content_type, bytes) = (content_type.to_owned(), bytes.to_vec());
        Incoming { status, content_type, links: Vec::new(), retry_after: Some("7".to_owned()), bytes }
    }

    fn text(incoming: Incoming) -> String {
        let folder = tempfile::tempdir().expect("temporary folder");
        let files = Files::of(folder.path(), "", &[]);
        let parts =
            Answer::read(incoming).expect("succeeded").parts(&Shape::Any, 20, &files).expect("writes");
        parts.into_iter().map(|part| format!("{}:{}", part.kind, part.content)).collect()
    }

    #[test]
    fn answers_are_read_by_their_type() {
        assert_eq!(text(incoming(200, "application/json; charset=utf-8", b"{\"a\": 1}")), "text:{\"a\":1}");
        assert_eq!(text(incoming(200, "", b"7")), "text:7");
        assert_eq!(text(incoming(200, "text/plain", b"hello")), "text:hello");
        assert_eq!(text(incoming(204, "", b"")), "text:done (status 204)");
        assert!(text(incoming(200, "image/png", b"\x89PNG\0")).starts_with("image:/"));
        assert!(text(incoming(200, "application/octet-stream", b"a\0")).ends_with("download-1.bin"));
        assert!(text(incoming(200, "text/plain", &[b'x'; 100])).contains("(shortened: 20 of 100"));
    }

    #[test]
    fn an_error_is_not_a_result() {
        let failure = Answer::read(incoming(429, "application/json", b"{\"error\": \"slow down\"}"))
            .expect_err("an error");
        assert_eq!(failure.message, "found the status 429 (retry after 7): {\"error\": \"slow down\"}");
        assert_eq!(failure.state, crate::action::ActionState::HttpError);
        let value = Answer::read(incoming(200, "application/json", &json!([1]).to_string().into_bytes()));
        assert!(matches!(value, Ok(Answer::Json(_))));
    }
}
